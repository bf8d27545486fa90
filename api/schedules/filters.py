"""How can the list of schedules be filtered?"""

from django_filters import rest_framework as filters

from api.filters import FlagFilter, QueueFilter, TimelineFilter, WithoutPages, choices_of
from api.owned import OwnedFilter
from scheduling.backend import backend_names
from scheduling.executor import executor_names
from scheduling.models import Schedule, SyncState


class ScheduleFilter(OwnedFilter):
    """`backend` and `executor` are those that routing chose, not those that were asked for."""

    q = filters.CharFilter(field_name="name", lookup_expr="icontains", label="Part of the name.")
    backend = filters.ChoiceFilter(field_name="routed_to", choices=choices_of(backend_names))
    executor = filters.ChoiceFilter(field_name="runs_on", choices=choices_of(executor_names))
    sync = filters.ChoiceFilter(field_name="sync_state", choices=SyncState.choices)
    paused = FlagFilter()
    due_after = TimelineFilter(field_name="next_due_at", lookup_expr="gte", label="Next run at this time or later.")
    due_before = TimelineFilter(field_name="next_due_at", lookup_expr="lt", label="Next run before this time.")
    queue = QueueFilter(label="The queue of its tasks.")
    orders = ("id", "name", "next_due_at")

    class Meta:
        model = Schedule
        fields = ["job", "host"]


class ManySchedulesFilter(WithoutPages, ScheduleFilter):
    """The same for many schedules at once."""
