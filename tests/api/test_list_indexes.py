"""Each filter of the lists of schedules, tasks and workflows has an index: the planner uses it as soon as it must."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import QuerySet

from api.schedules.filters import ScheduleFilter
from api.tasks.filters import TaskFilter
from api.workflows.filters import WorkflowFilter
from scheduling import tag_sets
from scheduling.models import Schedule, Task, TaskAttempt, Workflow

pytestmark = pytest.mark.django_db

AT = "2026-01-01T12:00:00Z"
# The order of a list that is filtered by these is theirs.
TIMES = {f"{time}_{side}": f"{time}_at" for time in ("due", "created", "finished") for side in ("after", "before")}
TASKS: dict[str, tuple[Any, str]] = {
    "created_after": (AT, "tandem_task_created"),
    "created_before": (AT, "tandem_task_created"),
    "due_after": (AT, "tandem_task_due"),
    "due_before": (AT, "tandem_task_due"),
    "executor": ("inline", "tandem_task_by_executor"),
    "job": ("http.fetch", "tandem_task_by_job"),
    "owner": ("red", "tandem_task_owned"),
    "q": ("needle", "tandem_task_named"),
    "schedule": (7, "tandem_task_of_schedule"),
    "status": (["FAILED"], "tandem_task_by_status"),
    "finished_after": (AT, "tandem_task_finished"),
    "finished_before": (AT, "tandem_task_finished"),
    "woken_by": ("upkeep", "tandem_task_by_waker"),
    "queue": ("reports", "tandem_task_in_queue"),
    "priority": (9, "tandem_task_by_priority"),
    "priority_min": (8, "tandem_task_by_priority"),
    "priority_max": (1, "tandem_task_by_priority"),
    "worker": ("worker on host1, process 7", "tandem_attempt_by_worker"),
    "duration_min": (60, "tandem_task_by_duration"),
    "duration_max": (0.01, "tandem_task_by_duration"),
    "tag": ("nightly", "tandem_task_tagged"),
    "workflow": (7, "tandem_task_of_workflow"),
}
SCHEDULES: dict[str, tuple[Any, str]] = {
    "backend": ("crontab", "tandem_schedule_due"),
    "due_after": (AT, "tandem_schedule_by_next"),
    "due_before": (AT, "tandem_schedule_by_next"),
    "queue": ("reports", "tandem_schedule_in_queue"),
    "executor": ("inline", "tandem_schedule_by_executor"),
    "host": ("host1", "tandem_schedule_of_host"),
    "job": ("http.fetch", "tandem_schedule_by_job"),
    "paused": ("true", "tandem_schedule_paused"),
    "owner": ("red", "tandem_schedule_owned"),
    "q": ("needle", "tandem_schedule_named"),
    "sync": ("pending", "tandem_schedule_unsynced"),
    "tag": ("nightly", "tandem_schedule_tagged"),
}
WORKFLOWS: dict[str, tuple[Any, str]] = {
    "created_after": (AT, "tandem_workflow_created"),
    "created_before": (AT, "tandem_workflow_created"),
    "owner": ("red", "tandem_workflow_owned"),
    "q": ("needle", "tandem_workflow_named"),
    "schedule": (7, "tandem_workflow_of_schedule"),
    "status": (["FAILED"], "tandem_workflow_by_status"),
    "tag": ("nightly", "tandem_workflow_tagged"),
}


@pytest.fixture(autouse=True)
def _owner_and_tag(db: None) -> None:
    """What the filters name exists: else nothing is looked for."""
    Group.objects.create(name="red")
    tagged = Schedule()
    tagged.tags = ["nightly"]
    tag_sets.store([tagged])


@pytest.mark.parametrize(
    ("filters", "known"), [(TaskFilter, TASKS), (ScheduleFilter, SCHEDULES), (WorkflowFilter, WORKFLOWS)]
)
def test_every_filter_is_looked_at_here(filters: Any, known: dict[str, Any]) -> None:
    assert set(filters.base_filters) == set(known)


@pytest.mark.parametrize("name", TASKS)
def test_a_filter_of_tasks_has_an_index(name: str) -> None:
    value, index = TASKS[name]
    rows = TaskFilter({name: value}, Task.objects.all()).qs
    assert (index in plan(rows, TIMES.get(name))) == may_have(name)


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"backend"}))
def test_a_filter_of_schedules_has_an_index(name: str) -> None:
    value, index = SCHEDULES[name]
    rows = ScheduleFilter({name: value}, Schedule.objects.all()).qs
    assert (index in plan(rows, "next_due_at" if name.startswith("due_") else None)) == may_have(name)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_filter_of_workflows_has_an_index(name: str) -> None:
    value, index = WORKFLOWS[name]
    rows = WorkflowFilter({name: value}, Workflow.objects.all()).qs
    assert (index in plan(rows, TIMES.get(name))) == may_have(name)


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize(
    ("column", "rows", "index"),
    [
        ("created_at", Task, "tandem_task_created"),
        ("due_at", Task, "tandem_task_due"),
        ("finished_at", Task, "tandem_task_finished"),
        ("name", Schedule, "tandem_schedule_by_name"),
        ("next_due_at", Schedule, "tandem_schedule_by_next"),
        ("created_at", Workflow, "tandem_workflow_created"),
    ],
)
def test_an_order_has_an_index(column: str, rows: Any, index: str, down: bool) -> None:
    assert index in plan(rows.objects.filter(**{f"{column}__isnull": False}), column, down=down)


def test_every_order_is_looked_at_here() -> None:
    found = {
        (filters.Meta.model, name)
        for filters in (TaskFilter, ScheduleFilter, WorkflowFilter)
        for name in filters.orders
    }
    [mark] = [one for one in test_an_order_has_an_index.pytestmark if "column" in one.args[0]]
    assert {(rows, column) for column, rows, _ in mark.args[1]} == {one for one in found if one[1] != "id"}


def may_have(name: str) -> bool:
    """Whether there is an index for this filter: SQLite has none of a part of a text, and none of a duration."""
    return name not in {"q", "duration_min", "duration_max"} or connection.vendor == "postgresql"


def plan(rows: QuerySet[Any], time: str | None = None, *, down: bool = True) -> str:
    """How PostgreSQL reads the first page, when it may neither read a whole table nor walk down the ids.

    An index of words has no order: it is read into a bitmap. For the order of a time there is nothing to sort.
    """
    table = rows.model._meta.db_table
    if connection.vendor == "sqlite":  # Its planner cannot be told what to leave out: that the index exists must do.
        tables = [table, TaskAttempt._meta.db_table]
        with connection.cursor() as cursor:
            return " ".join(name for one in tables for name in connection.introspection.get_constraints(cursor, one))
    kept = "bitmapscan" if "UPPER" in str(rows.query) else "indexscan"
    with connection.cursor() as cursor:
        # To sort is dear here, as it is where there are many rows; what there is of an index of words has to be sorted.
        ways = {"seqscan", "indexscan", "indexonlyscan", "bitmapscan", "sort"} - {kept}
        for way in ways if time else ways - {"bitmapscan"}:
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_pkey CASCADE")
        # Where nothing is stored, the index of all that has finished is as good as one of their names.
        if time != "finished_at":
            cursor.execute("DROP INDEX tandem_task_finished")
    order = ["id"] if time is None else [time, "id"]
    found = str(rows.order_by(*(f"-{one}" if down else one for one in order))[:51].explain())
    assert time is None or "Sort" not in found
    return found
