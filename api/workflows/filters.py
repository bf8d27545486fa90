"""How can the list of workflows be filtered?"""

from django_filters import rest_framework as filters

from api.filters import IdFilter, TimelineFilter
from api.owned import OwnedFilter
from scheduling.lifecycle import Status
from scheduling.models import Workflow

STATUSES = [
    (status.value, status.value) for status in (Status.RUNNING, Status.COMPLETED, Status.FAILED, Status.CANCELLED)
]


class WorkflowFilter(OwnedFilter):
    """`status` may be given several times."""

    status = filters.MultipleChoiceFilter(choices=STATUSES, distinct=False)
    # As for tasks.
    schedule = IdFilter(field_name="schedule_id", label="The id of a schedule, also of a deleted one.")
    q = filters.CharFilter(field_name="name", lookup_expr="icontains", label="Part of the name.")
    created_after = TimelineFilter(field_name="created_at", lookup_expr="gte")
    created_before = TimelineFilter(field_name="created_at", lookup_expr="lt")
    orders = ("id", "created_at")

    class Meta:
        model = Workflow
        fields: list[str] = []
