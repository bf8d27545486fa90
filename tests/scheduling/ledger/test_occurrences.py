"""What the ledger stores of a batch of decisions, column by column, on each database."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from scheduling import dispatch, ledger
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task, TaskEvent
from tests.conftest import a_schedule, at

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")
DUE = at("2026-11-20 10:05")
NEXT = at("2026-11-20 10:10")


def a_full_schedule() -> Schedule:
    """One with another value than the default in each column that a task copies."""
    schedule = a_schedule(
        now=NOW, name="Größe", description='with "quotes" and a %s', priority=9, queue="slow", retries={"max": 2},
        soft_timeout=5, timeout=7, on_lost="retry", owner=7, tags=["night"],
    )  # fmt: skip
    # More than any job here takes.
    schedule.parameters = {"steps": 2, "deep": {"list": [1, None]}}
    schedule.save()
    return schedule


def occurrence(schedule: Schedule, **differs: Any) -> ledger.DecidedOccurrence:
    given: dict[str, Any] = {"due_at": DUE, "status": Status.QUEUED, "reason": "", "host": ""}
    return ledger.DecidedOccurrence(schedule.pk, **(given | differs))


def record(schedules: list[Schedule], *occurrences: ledger.DecidedOccurrence) -> list[Task]:
    with transaction.atomic():
        return ledger.record_occurrences(schedules, occurrences, woken_by="beat", now=DUE)


def columns(task: Task) -> dict[str, Any]:
    row = Task.objects.get(pk=task.pk)
    return {field.attname: getattr(row, field.attname) for field in Task._meta.concrete_fields if field.name != "id"}


def test_the_row_is_the_one_that_is_stored_without_a_batch() -> None:
    schedule = a_full_schedule()
    [made] = record([schedule], occurrence(schedule))
    stored = columns(made)
    assert {name: getattr(made, name) for name in stored} == stored
    Task.objects.all().delete()
    alone = dispatch.task_of(schedule, DUE, now=DUE, woken_by="beat")
    with transaction.atomic():
        ledger.record([alone], DUE)
    assert columns(alone) == stored
    assert stored["parameters"] == {"steps": 2, "deep": {"list": [1, None]}}


def test_the_row_says_what_its_schedule_says() -> None:
    schedule = a_full_schedule()
    [made] = record([schedule], occurrence(schedule))
    stored = columns(made)
    same = (
        "owner",
        "tag_set_id",
        "name",
        "description",
        "job",
        "parameters",
        "priority",
        "queue",
        "retries",
        "soft_timeout",
        "timeout",
        "on_lost",
    )
    assert {name: stored[name] for name in same} == {name: getattr(schedule, name) for name in same}
    assert (stored["schedule_id"], stored["executor"]) == (schedule.pk, schedule.runs_on)


def test_each_status_has_its_times_and_its_event() -> None:
    schedule = a_full_schedule()
    made = record(
        [schedule],
        occurrence(schedule, due_at=NEXT, status=Status.QUEUED),
        occurrence(schedule, status=Status.MISSED, reason='too "late"'),
        occurrence(schedule, due_at=NOW, status=Status.SCHEDULED, reason="waits", host="a host"),
    )
    assert [(task.status, task.reason, task.host, task.send_at, task.finished_at) for task in made] == [
        ("SCHEDULED", "waits", "a host", None, None),
        ("MISSED", 'too "late"', "", None, DUE),
        ("QUEUED", "", "", DUE + ledger.UNCLAIMED_AFTER, None),
    ]
    assert [task.pk for task in made] == sorted(task.pk for task in made)
    events = TaskEvent.objects.order_by("task_id").values_list("task_id", "number", "at", "status", "detail")
    details: tuple[dict[str, str], ...] = ({"reason": "waits"}, {"reason": 'too "late"'}, {})
    assert list(events) == [(task.pk, 1, DUE, task.status, detail) for task, detail in zip(made, details, strict=True)]


@pytest.mark.parametrize("status", [Status.SKIPPED, Status.MISSED])
def test_what_never_runs_has_ended_at_once(status: Status) -> None:
    schedule = a_full_schedule()
    [made] = record([schedule], occurrence(schedule, status=status, reason="no need"))
    assert (made.finished_at, made.send_at) == (DUE, None)


def test_the_schedules_move_on_and_only_they() -> None:
    moved, ended, other = a_full_schedule(), a_full_schedule(), a_full_schedule()
    before = Schedule.objects.values().get(pk=other.pk)
    moved.cursor, moved.next_due_at, moved.woken_at = DUE, NEXT, DUE
    ended.cursor, ended.next_due_at = DUE, None
    assert record([moved, ended]) == []
    for schedule in (moved, ended):
        stored = Schedule.objects.values().get(pk=schedule.pk)
        assert stored == {name: getattr(schedule, name) for name in stored}
    assert Schedule.objects.values().get(pk=other.pk) == before


def test_an_occurrence_that_is_recorded_gets_no_second_task_and_no_event() -> None:
    schedule = a_full_schedule()
    [first] = record([schedule], occurrence(schedule))
    [second] = record([schedule], occurrence(schedule), occurrence(schedule, due_at=NEXT))
    assert second.due_at == NEXT
    assert set(Task.objects.values_list("pk", flat=True)) == {first.pk, second.pk}
    assert TaskEvent.objects.count() == 2


def test_the_tasks_of_a_batch_are_noted_as_sent_with_one_statement(django_assert_num_queries: Any) -> None:
    schedule = a_full_schedule()
    tasks = record([schedule], *(occurrence(schedule, due_at=at(f"2026-11-20 11:0{minute}")) for minute in range(4)))
    _fresh, again, often, retried = tasks
    Task.objects.filter(pk=again.pk).update(sends=2)
    Task.objects.filter(pk=often.pk).update(sends=ledger.MOST_SENDS)
    Task.objects.filter(pk=retried.pk).update(attempt=2)
    again.sends, often.sends = 2, ledger.MOST_SENDS
    with django_assert_num_queries(1):
        ledger.sent(tasks, now=NEXT)
    assert list(Task.objects.order_by("pk").values_list("sends", "send_at")) == [
        (1, NEXT + ledger.SEND_AGAIN),
        (3, NEXT + 4 * ledger.SEND_AGAIN),
        (ledger.MOST_SENDS, NEXT + ledger.send_again_after(ledger.MOST_SENDS)),
        (0, DUE + ledger.UNCLAIMED_AFTER),
    ]
    with django_assert_num_queries(0):
        ledger.sent([], now=NEXT)
