"""Finished tasks are deleted by age and by count. Open tasks are never deleted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from scheduling import ledger
from scheduling.models import Process, Task, TaskAttempt, TaskEvent, TaskLogLine, Workflow, WorkflowNode
from scheduling.upkeep import retention
from tests.conftest import at
from tests.process_rows import a_process

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")


def some_tasks(count: int, *, age: timedelta, status: str = "COMPLETED") -> list[int]:
    """Tasks that finished so long ago, or have been open since then."""
    finished = None if status in {"QUEUED", "RUNNING"} else NOW - age
    rows = [
        Task(name="t", job="j", woken_by="x", executor="worker", status=status, finished_at=finished)
        for _ in range(count)
    ]
    return [task.pk for task in ledger.record(rows, NOW - age)]


def left() -> set[int]:
    """The rows that are still there."""
    return set(Task.objects.values_list("pk", flat=True))


def test_old_finished_tasks_are_deleted_and_open_ones_kept(settings: Settings) -> None:
    settings.TANDEM_KEEP_DAYS = 30
    some_tasks(3, age=timedelta(days=31))
    kept = some_tasks(2, age=timedelta(days=29)) + some_tasks(2, age=timedelta(days=90), status="RUNNING")
    assert retention.prune(now=NOW) == 3
    assert left() == set(kept)
    assert TaskEvent.objects.count() == len(kept)
    assert retention.prune(now=NOW) == 0


def test_tasks_beyond_the_limit_are_deleted_oldest_first(settings: Settings) -> None:
    settings.TANDEM_KEEP_TASKS = 4
    opened = some_tasks(1, age=timedelta(days=2), status="QUEUED")
    some_tasks(3, age=timedelta(days=1))
    kept = some_tasks(4, age=timedelta(hours=1))
    assert retention.prune(now=NOW) == 3
    assert left() == {*opened, *kept}


def test_one_call_deletes_a_bounded_number(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention, "MOST", 6)
    some_tasks(9, age=timedelta(days=31))
    assert [retention.prune(now=NOW) for _ in range(3)] == [6, 3, 0]


def test_the_oldest_go_first(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 1)
    monkeypatch.setattr(retention, "MOST", 1)
    settings.TANDEM_KEEP_TASKS = 1
    later, _ = (some_tasks(1, age=timedelta(days=days))[0] for days in (31, 32))
    second, third, kept = some_tasks(3, age=timedelta(days=1))
    remaining = []
    while retention.prune(now=NOW):
        remaining.append(left())
    assert remaining == [{later, second, third, kept}, {second, third, kept}, {third, kept}, {kept}]


def test_every_workflow_that_has_no_tasks_any_more_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 1)
    monkeypatch.setattr(retention, "MOST", 3)
    for status in ("COMPLETED", "FAILED", "CANCELLED", "RUNNING"):
        Workflow.objects.create(name="w", definition={}, created_at=NOW, status=status)
    retention.prune(now=NOW)
    assert [workflow.status for workflow in Workflow.objects.all()] == ["RUNNING"]


def test_a_process_that_is_gone_for_a_day_is_forgotten() -> None:
    for silent_for in (timedelta(hours=23), timedelta(hours=25)):
        a_process("worker", key=str(silent_for), silent_for=silent_for)
    retention.prune(now=NOW)
    assert [process.key for process in Process.objects.all()] == [str(timedelta(hours=23))]


def test_everything_that_refers_to_a_task_goes_with_it_and_what_only_names_it_stays() -> None:
    [old] = some_tasks(1, age=timedelta(days=40))
    [kept] = some_tasks(1, age=timedelta(days=1))
    for pk in (old, kept):
        started = {"executor": "worker", "worker": "w", "started_at": NOW}
        TaskAttempt.objects.create(task_id=pk, number=1, status="COMPLETED", **started)
        TaskLogLine.objects.create(task_id=pk, attempt=1, at=NOW, level="INFO", message="done")
    times = {"created_at": NOW, "definition": {}}
    running = Workflow.objects.create(name="started by it", started_by_id=old, **times)
    node = {"number": 1, "last": 1, "role": "root", "kind": "task", "status": "RUNNING"}
    WorkflowNode.objects.create(workflow=running, task_id=old, **node)
    assert retention.prune(now=NOW) == 1
    for model in (TaskEvent, TaskAttempt, TaskLogLine):
        assert set(model.objects.values_list("task_id", flat=True)) == {kept}
    running.refresh_from_db()
    assert running.started_by_id is None
    assert WorkflowNode.objects.get().task_id is None


def test_a_batch_of_many_takes_as_many_statements_as_one_of_few() -> None:
    def taken(count: int) -> int:
        some_tasks(count, age=timedelta(days=31))
        with CaptureQueriesContext(connection) as asked:
            assert retention.prune(now=NOW) == count
        return len(asked.captured_queries)

    assert taken(1) == taken(50)


def test_tasks_that_another_table_refers_to_are_deleted_by_django(monkeypatch: pytest.MonkeyPatch) -> None:
    some_tasks(3, age=timedelta(days=31))
    monkeypatch.setattr(TaskLogLine._meta, "app_label", "theirs")
    assert retention.prune(now=NOW) == 3
    assert not TaskEvent.objects.exists()
