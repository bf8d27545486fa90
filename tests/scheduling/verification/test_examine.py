"""A ledger that the services filled is clean, and each thing that is broken by hand is found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scheduling import dispatch
from scheduling.models import Process, ReplannedSchedule, Schedule, Task, TaskAttempt, TaskEvent, Workflow, WorkflowNode
from scheduling.verification import examine as examined
from scheduling.verification.examine import examine
from scheduling.verification.mismatch import Scope
from scheduling.verification.snapshot import snapshot
from tests.conftest import a_schedule
from tests.scheduling.verification.a_ledger import fill
from tests.scheduling.workflows.jobs import Worker

pytestmark = pytest.mark.django_db

LONG = timedelta(minutes=10)


@pytest.fixture
def filled(worker: Worker) -> None:
    """The ledger."""
    fill(worker)


def found(**scope: object) -> set[tuple[str, str]]:
    """The kind and the check of each finding."""
    with snapshot() as now:
        return {(each.kind, each.check) for each in examine(Scope(now, **scope))}  # type: ignore[arg-type]  # its fields


def test_what_the_services_write_is_clean_and_all_of_it_is_read(filled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    # Several chunks of everything.
    monkeypatch.setattr(examined, "CHUNK", 7)
    with snapshot() as now:
        scope = Scope(now)
        assert list(examine(scope)) == []
    models = {"tasks": Task, "events": TaskEvent, "attempts": TaskAttempt, "schedules": Schedule, "workflows": Workflow}
    assert scope.counts == {kind: model.objects.count() for kind, model in models.items()}  # type: ignore[attr-defined]  # each has them
    assert set(Task.objects.values_list("status", flat=True)) == {
        "SCHEDULED", "QUEUED", "RUNNING", "RETRYING", "COMPLETED", "FAILED", "CANCELLED", "SKIPPED", "MISSED",
    }  # fmt: skip
    assert set(Workflow.objects.values_list("status", flat=True)) == {"COMPLETED", "FAILED", "CANCELLED", "RUNNING"}


def test_the_statements_do_not_grow_with_the_rows_of_a_chunk(recorded: object) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert found() == set()
        return len(asked)

    now = timezone.now()
    a_schedule(cron="* * * * *", now=now - LONG, catch_up="all", overlap="queue")
    dispatch.dispatch_due("beat", now=now)
    few = statements()
    for number in range(5):
        a_schedule(name=f"another {number}", cron="* * * * *", now=now - LONG, catch_up="all", overlap="queue")
    dispatch.dispatch_due("beat", now=now)
    assert statements() == few


def tasks(status: str, count: int = 1) -> list[int]:
    """The ids of some tasks of this status that no workflow has."""
    ids = list(Task.objects.filter(status=status, workflow=None).order_by("pk").values_list("pk", flat=True)[:count])
    assert len(ids) == count
    return ids


def of_task(status: str, /, **changes: object) -> Callable[[], object]:
    """Changes one task of this status."""
    return lambda: Task.objects.filter(pk__in=tasks(status)).update(**changes)


def of_event(status: str, number: int, /, **changes: object) -> Callable[[], object]:
    return lambda: TaskEvent.objects.filter(task__in=tasks(status), number=number).update(**changes)


def of_attempt(status: str, /, **changes: object) -> Callable[[], object]:
    return lambda: TaskAttempt.objects.filter(task__in=tasks(status)).update(**changes)


def of_schedule(name: str, /, **changes: object) -> Callable[[], object]:
    return lambda: Schedule.objects.filter(name=name).update(**changes)


def of_node(workflow: str, name: str, /, **changes: object) -> Callable[[], object]:
    return lambda: WorkflowNode.objects.filter(workflow__status=workflow, name=name).update(**changes)


def occurrence(name: str) -> Task:
    """An occurrence in the midst of the schedule's."""
    rows = Task.objects.filter(schedule__name=name).order_by("due_at")
    return rows[len(rows) - 2]


def ago(span: timedelta = LONG) -> object:
    return timezone.now() - span


def aside() -> None:
    """Move an occurrence to where the trigger has none."""
    Task.objects.filter(pk=occurrence("each").pk).update(due_at=F("due_at") + timedelta(seconds=1))


def free() -> None:
    """Delete what a task waits for."""
    rows = Task.objects.filter(schedule__name="caught up")
    rows.exclude(status="SCHEDULED").delete()
    rows.update(created_at=ago())


BREAKAGES: dict[str, tuple[Callable[[], object], set[tuple[str, str]]]] = {
    "an event is missing": (
        lambda: TaskEvent.objects.filter(task__in=tasks("COMPLETED"), number=1).delete(),
        {("task", "events: numbers"), ("task", "events: moves")},
    ),
    "the last event is missing": (
        lambda: TaskEvent.objects.filter(task__in=tasks("COMPLETED"), status="COMPLETED").delete(),
        {("task", "events: count"), ("task", "events: status")},
    ),
    "all events are missing": (
        lambda: TaskEvent.objects.filter(task__in=tasks("SKIPPED")).delete(),
        {("task", "events: count"), ("task", "events: status")},
    ),
    "an event is no move": (of_event("COMPLETED", 1, status="SCHEDULED"), {("task", "events: moves")}),
    "an attempt is claimed out of turn": (
        of_event("COMPLETED", 2, detail={"worker": "here", "attempt": 2}),
        {("task", "events: claims")},
    ),
    "the status is not the last event's": (
        of_task("SKIPPED", status="MISSED"),
        {("task", "events: status")},
    ),
    "an attempt is missing": (
        lambda: TaskAttempt.objects.filter(task__in=tasks("COMPLETED")).delete(),
        {("task", "attempts: numbers"), ("task", "attempts: present"), ("task", "attempts: completed")},
    ),
    "the number of the attempt is wrong": (
        of_task("COMPLETED", attempt=2),
        {("task", "attempts: present"), ("task", "attempts: completed")},
    ),
    "an ended attempt is open": (
        of_attempt("COMPLETED", ended_at=None),
        {("task", "attempts: open"), ("task", "attempts: status")},
    ),
    "no attempt is open": (
        lambda: TaskAttempt.objects.filter(task__in=tasks("RUNNING")).update(ended_at=timezone.now(), status="FAILED"),
        {("task", "attempts: open")},
    ),
    "two attempts completed it": (of_attempt("FAILED", status="COMPLETED"), {("task", "attempts: completed")}),
    "an attempt ended before it started": (
        lambda: TaskAttempt.objects.filter(task__in=tasks("COMPLETED")).update(ended_at=ago()),
        {("task", "attempts: order")},
    ),
    "it finished before it started": (
        lambda: Task.objects.filter(pk__in=tasks("COMPLETED")).update(finished_at=ago()),
        {("task", "times: order")},
    ),
    "no end is stored": (of_task("COMPLETED", finished_at=None), {("task", "times: finished_at")}),
    "nobody would send it": (of_task("QUEUED", send_at=None), {("task", "times: send_at")}),
    "nobody would try it again": (of_task("RETRYING", wait_until=None), {("task", "times: wait_until")}),
    "a request to stop was lost": (
        lambda: Task.objects.filter(pk__in=tasks("QUEUED")).update(cancel_asked_at=timezone.now()),
        {("task", "times: cancel_asked_at")},
    ),
    "no start is stored": (of_task("RUNNING", started_at=None), {("task", "times: started_at")}),
    "its time has passed": (
        lambda: Task.objects.filter(pk__in=tasks("RETRYING")).update(wait_until=ago()),
        {("task", "open: late")},
    ),
    "nobody sends it": (
        lambda: Task.objects.filter(pk__in=tasks("QUEUED")).update(send_at=ago()),
        {("task", "open: late")},
    ),
    "it has expired": (
        lambda: Task.objects.filter(pk__in=tasks("QUEUED")).update(expires=ago()),
        {("task", "open: late")},
    ),
    "it does not stop": (
        lambda: Task.objects.filter(cancel_asked_at__isnull=False, status="RUNNING").update(cancel_asked_at=ago()),
        {("task", "open: late")},
    ),
    "its process is silent": (lambda: Process.objects.update(seen_at=ago()), {("task", "open: process")}),
    "its process is not known": (of_task("RUNNING", process="nobody"), {("task", "open: process")}),
    "nothing holds it back": (
        free,
        {("task", "open: held back"), ("schedule", "occurrences: missing")},
    ),
    "a member has no node": (
        lambda: WorkflowNode.objects.filter(name="fourteen").update(task=None),
        {("task", "open: member"), ("workflow", "nodes")},
    ),
    "an occurrence is missing": (
        lambda: occurrence("each second").delete(),
        {("schedule", "occurrences: missing")},
    ),
    "an occurrence stands beside its time": (
        aside,
        {("schedule", "occurrences: missing"), ("schedule", "occurrences: foreign")},
    ),
    "an outage is not told of": (
        lambda: Task.objects.filter(schedule__name="each second").earliest("due_at").delete(),
        {("schedule", "occurrences: missing")},
    ),
    "the next occurrence is wrong": (
        lambda: Schedule.objects.filter(name="each").update(next_due_at=F("next_due_at") + timedelta(minutes=5)),
        {("schedule", "next_due_at")},
    ),
    "a paused schedule has a next one": (
        lambda: Schedule.objects.filter(name="paused").update(next_due_at=timezone.now()),
        {("schedule", "next_due_at")},
    ),
    "the zone is not known": (of_schedule("each", timezone="Nowhere/Land"), {("schedule", "trigger")}),
    "the cursor is in the future": (
        lambda: Schedule.objects.filter(name="paused").update(cursor=timezone.now() + LONG),
        {("schedule", "cursor"), ("schedule", "occurrences: missing")},
    ),
    "nobody plans it": (
        lambda: Schedule.objects.filter(name="each").update(cursor=ago(), next_due_at=ago()),
        {("schedule", "next_due_at"), ("schedule", "overdue")},
    ),
    "an ended workflow has an open node": (
        of_node("COMPLETED", "two", status="RUNNING"), {("workflow", "nodes")},
    ),
    "a running workflow has an end": (
        lambda: Workflow.objects.filter(status="RUNNING").update(finished_at=timezone.now()),
        {("workflow", "nodes")},
    ),
    "nothing of a workflow runs": (of_node("RUNNING", "thirteen", status="COMPLETED"), {("workflow", "nodes")}),
    "a node has another status than its task": (of_node("COMPLETED", "one", status="FAILED"), {("workflow", "nodes")}),
    "a workflow is complete and its first node is not": (
        lambda: WorkflowNode.objects.filter(workflow__status="COMPLETED", number=0).update(status="FAILED"),
        {("workflow", "nodes")},
    ),
    "a workflow did not move on": (
        lambda: Task.objects.filter(name="thirteen").update(finished_at=ago()),
        {("workflow", "nodes"), ("task", "times: finished_at")},
    ),
    "a workflow has no nodes": (
        lambda: WorkflowNode.objects.filter(workflow__status="COMPLETED").delete(),
        {("workflow", "nodes")},
    ),
}  # fmt: skip


def after(breaks: Callable[[], object]) -> set[tuple[str, str]]:
    """What is found once this was broken; afterwards it is whole again."""
    with transaction.atomic():
        breaks()
        checks = found()
        transaction.set_rollback(True)
    return checks


def test_what_is_broken_by_hand_is_found(filled: None) -> None:
    checks = {name: after(breaks) for name, (breaks, _) in BREAKAGES.items()}
    assert checks == {name: expected for name, (_, expected) in BREAKAGES.items()}
    assert found() == set()


def test_the_rows_of_one_schedule_can_be_looked_at_alone(filled: None) -> None:
    of_task("COMPLETED", attempt=2)()
    broken = Task.objects.get(status="COMPLETED", attempt=2, schedule__name="each")
    assert ("task", "attempts: present") in found(schedule=broken.schedule_id)
    other = Schedule.objects.get(name="paused").pk
    assert found(schedule=other) == set()


def test_what_is_older_than_since_is_left_out(filled: None) -> None:
    occurrence("each second").delete()
    of_task("COMPLETED", attempt=2)()
    assert found(since=timezone.now() - timedelta(hours=2)) != set()
    assert found(since=timezone.now() + timedelta(seconds=1)) == set()


def test_a_plan_made_with_other_time_zone_data_is_not_compared(db: None) -> None:
    schedule = a_schedule(cron="0 3 * * *")
    Schedule.objects.filter(pk=schedule.pk).update(next_due_at=F("next_due_at") + timedelta(minutes=5))
    assert found() == {("schedule", "next_due_at")}
    Schedule.objects.filter(pk=schedule.pk).update(tzdata="2001a")
    assert found() == set()


def test_rows_from_before_new_time_zone_data_are_not_compared(db: None) -> None:
    now = timezone.now()
    schedule = a_schedule(cron="* * * * *", now=now - LONG)
    Schedule.objects.filter(pk=schedule.pk).update(cursor=now, next_due_at=now + timedelta(seconds=30))
    assert ("schedule", "occurrences: missing") in found()
    ReplannedSchedule.objects.create(schedule=schedule, tzdata_before="2001a", tzdata_after="2001b", at=now)
    assert ("schedule", "occurrences: missing") not in found()
