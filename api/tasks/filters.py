"""How can the list of tasks be filtered?"""

from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters

from api.filters import IdFilter, TimelineFilter, choices_of
from api.owned import OwnedFilter
from scheduling.executor import executor_names
from scheduling.lifecycle import OPEN, Status
from scheduling.models import Task


class TaskFilter(OwnedFilter):
    """`status` may be given several times."""

    status = filters.MultipleChoiceFilter(choices=[(status.value, status.value) for status in Status], distinct=False)
    # By number, not by object: a schedule that was deleted has left its id.
    schedule = IdFilter(field_name="schedule_id", label="The id of a schedule, also of a deleted one.")
    workflow = IdFilter(field_name="workflow_id", label="The id of a workflow.")
    finished_after = TimelineFilter(field_name="finished_at", lookup_expr="gte")
    finished_before = TimelineFilter(field_name="finished_at", lookup_expr="lt")
    executor = filters.ChoiceFilter(choices=choices_of(executor_names))
    q = filters.CharFilter(method="named", label="Part of the name.")
    due_after = TimelineFilter(field_name="due_at", lookup_expr="gte")
    due_before = TimelineFilter(field_name="due_at", lookup_expr="lt")
    created_after = TimelineFilter(field_name="created_at", lookup_expr="gte")
    created_before = TimelineFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Task
        fields = ["job", "woken_by"]

    def named(self, tasks: QuerySet[Task], _name: str, part: str) -> QuerySet[Task]:
        """Those with `part` in their names: finished ones, which have an index for it, and open ones, which are few."""
        fits = Q(name__icontains=part)
        return tasks.filter(fits & Q(finished_at__isnull=False) | fits & Q(status__in=sorted(OPEN)))
