"""How can the list of tasks be filtered?"""

from django.db.models import QuerySet
from django_filters import rest_framework as filters

from api.filters import IdFilter, TimelineFilter, choices_of
from api.owned import OwnedFilter
from scheduling import queries
from scheduling.executor import executor_names
from scheduling.lifecycle import Status
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
        """Those with `part` in their names."""
        return tasks.filter(queries.tasks_named(part))
