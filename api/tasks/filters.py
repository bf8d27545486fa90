"""What lists of tasks can be narrowed by."""

from django_filters import rest_framework as filters

from scheduling.lifecycle import Status
from scheduling.models import Task


class TaskFilter(filters.FilterSet):  # type: ignore[misc]  # django-filter has no type hints
    """`status` may be given several times."""

    status = filters.MultipleChoiceFilter(choices=[(status.value, status.value) for status in Status])
    q = filters.CharFilter(field_name="name", lookup_expr="icontains", label="Part of the name.")
    due_after = filters.IsoDateTimeFilter(field_name="due_at", lookup_expr="gte")
    due_before = filters.IsoDateTimeFilter(field_name="due_at", lookup_expr="lt")
    created_after = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Task
        fields = ["job", "schedule", "executor", "woken_by"]
