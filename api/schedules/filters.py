"""What lists of schedules can be narrowed by."""

from django_filters import rest_framework as filters

from scheduling.models import Schedule


class ScheduleFilter(filters.FilterSet):  # type: ignore[misc]  # django-filter has no type hints
    """`backend` is the one that wakes us, as routed."""

    q = filters.CharFilter(field_name="name", lookup_expr="icontains", label="Part of the name.")
    backend = filters.CharFilter(field_name="routed_to")
    executor = filters.CharFilter(field_name="runs_on")
    sync = filters.CharFilter(field_name="sync_state")
    due_before = filters.IsoDateTimeFilter(field_name="next_due_at", lookup_expr="lt")

    class Meta:
        model = Schedule
        fields = ["job", "host", "paused"]
