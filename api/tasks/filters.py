"""How can the list of tasks be filtered?"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.db.models import DurationField, ExpressionWrapper, F, QuerySet
from django_filters import rest_framework as filters

from api.filters import IdFilter, QueueFilter, TimelineFilter, WithoutPages, choices_of
from api.owned import OwnedFilter
from scheduling import queries
from scheduling.executor import executor_names
from scheduling.lifecycle import Status
from scheduling.models import Task

PRIORITIES: Final = range(10)
# As long as a time limit can be.
MOST_SECONDS: Final = 2**31 - 1
# What nearly all tasks have. Those have no index: the first page is found at once without.
USUAL_PRIORITY: Final = 5


class PriorityFilter(filters.NumberFilter):  # type: ignore[misc]  # django-filter has no type hints
    """By the priorities that compare so with the one that is given."""

    def __init__(self, compare: Callable[[int, int], bool], **options: Any) -> None:
        self._compare = compare
        super().__init__(min_value=PRIORITIES[0], max_value=PRIORITIES[-1], decimal_places=0, **options)

    def filter(self, qs: Any, value: Any) -> Any:
        """A list of priorities, not a range: each of them is in the order of the ids in the index."""
        if value is None:
            return qs
        wanted = [one for one in PRIORITIES if self._compare(one, int(value))]
        # SQLite must read the condition of the index to use it.
        rows = qs if USUAL_PRIORITY in wanted else qs.exclude(priority=USUAL_PRIORITY)
        return rows.filter(priority__in=wanted)


class DurationFilter(filters.NumberFilter):  # type: ignore[misc]  # as above
    """By how long it ran, from its start to its end. PostgreSQL has an index of it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=MOST_SECONDS, **options)

    def filter(self, qs: Any, value: Any) -> Any:
        if value is None:
            return qs
        took = ExpressionWrapper(F("finished_at") - F("started_at"), DurationField())
        given = timedelta(seconds=float(value))
        return qs.alias(took=took).filter(**{f"took__{self.lookup_expr}": given})


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

    queue = QueueFilter(label="Its queue.")
    priority = PriorityFilter(operator.eq, label="0 to 9.")
    priority_min = PriorityFilter(operator.ge, label="At least this priority.")
    priority_max = PriorityFilter(operator.le, label="At most this priority.")
    worker = filters.CharFilter(method="run_by", label="The process of one of its attempts, as `ran_on` names it.")
    duration_min = DurationFilter(lookup_expr="gte", label="Ran for at least so many seconds.")
    duration_max = DurationFilter(lookup_expr="lte", label="Ran for at most so many seconds.")
    orders = ("id", "created_at", "due_at", "finished_at")
    slow = frozenset({"duration_max", "duration_min", "priority", "priority_max", "priority_min", "q", "worker"})

    class Meta:
        model = Task
        fields = ["job", "woken_by"]

    def run_by(self, tasks: QuerySet[Task], _name: str, worker: str) -> QuerySet[Task]:
        """Those of which this process ran an attempt."""
        return tasks.filter(queries.tasks_run_by(worker))

    def named(self, tasks: QuerySet[Task], _name: str, part: str) -> QuerySet[Task]:
        """Those with `part` in their names."""
        return tasks.filter(queries.tasks_named(part))


class ManyTasksFilter(WithoutPages, TaskFilter):
    """The same for many tasks at once."""
