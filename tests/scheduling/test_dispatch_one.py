"""One schedule by itself: it is fired by a wake-up, skipped because of a change, or run once more by a person."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Q

from scheduling import delivery, dispatch, ledger, schedules
from scheduling.models import Task
from tests.conftest import a_schedule, at
from tests.recording import RecordingExecutor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recorded")]

NOW = at("2026-11-20 10:00")
DUE = at("2026-11-20 10:05")
LATER = at("2026-11-20 10:20")
OPTIONS: dict[str, Any] = {"priority": 7, "queue": "slow", "retries": {"max": 2}, "timeout": 9, "on_lost": "retry"}


def test_firing_queues_what_is_due_and_hands_nothing_over(recorded: RecordingExecutor) -> None:
    schedule = a_schedule(now=NOW)
    [task] = dispatch.fire(schedule.pk, now=DUE, woken_by="cron of a host")
    task.refresh_from_db()
    assert (task.status, task.reason, task.due_at, task.woken_by) == ("QUEUED", "", DUE, "cron of a host")
    assert (task.send_at, task.finished_at) == (DUE + ledger.UNCLAIMED_AFTER, None)
    assert recorded.submitted == []
    assert dispatch.fire(schedule.pk, now=DUE, woken_by="another cron") == []
    schedule.refresh_from_db()
    assert (schedule.cursor, schedule.next_due_at) == (DUE, at("2026-11-20 10:10"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [(schedules.pause, "the schedule was paused"), (schedules.delete, "its schedule was deleted")],
)
def test_what_is_due_when_a_schedule_stops_is_skipped_with_the_reason(
    recorded: RecordingExecutor, change: Any, reason: str
) -> None:
    schedule = a_schedule(now=NOW)
    change(schedule.pk, now=DUE)
    task = Task.objects.get()
    assert (task.status, task.due_at, task.finished_at, task.send_at) == ("SKIPPED", DUE, DUE, None)
    assert reason in task.reason
    assert recorded.submitted == []


def test_a_run_that_a_person_asks_for_belongs_to_no_occurrence(recorded: RecordingExecutor) -> None:
    schedule = a_schedule(now=NOW, parameters={"steps": 2}, description="long", **OPTIONS)
    task, said = schedules.trigger(schedule.pk, now=NOW)
    task.refresh_from_db()
    assert (task.schedule, task.due_at, task.status, task.reason, said) == (schedule, None, "QUEUED", "", "sent")
    assert (task.name, task.description, task.job) == ("a schedule", "long", "demo.process_data")
    assert (task.parameters, task.executor, task.woken_by) == ({"steps": 2}, "worker", "request")
    assert {name: getattr(task, name) for name in OPTIONS} == OPTIONS
    assert recorded.submitted == [(task.pk, 1)]
    again, _ = schedules.trigger(schedule.pk, now=NOW)
    assert again.pk != task.pk
    schedule.refresh_from_db()
    assert schedule.next_due_at == DUE


def test_what_was_due_up_to_a_time_is_decided_as_it_was_then(recorded: RecordingExecutor) -> None:
    schedule = a_schedule(now=NOW)
    assert dispatch.decide_up_to(schedule, NOW, now=LATER, woken_by="crontab") == []
    [task] = dispatch.decide_up_to(schedule, DUE, now=LATER, woken_by="crontab")
    # At LATER it would have been too late to run.
    assert (task.due_at, task.status, task.woken_by, task.created_at) == (DUE, "QUEUED", "crontab", LATER)
    assert dispatch.decide_up_to(schedule, DUE, now=LATER, woken_by="crontab") == []
    schedule.next_due_at = None
    assert dispatch.decide_up_to(schedule, LATER, now=LATER, woken_by="crontab") == []
    assert recorded.submitted == []


def test_several_schedules_are_decided_at_once_and_what_is_not_due_is_left() -> None:
    due, later, never = (
        a_schedule(now=time, paused=paused) for time, paused in ((NOW, False), (DUE, False), (NOW, True))
    )
    made = dispatch.decide_all([due, later, never], now=DUE, woken_by="request", skip_because="the service moves")
    assert made == []
    task = Task.objects.get()
    assert (task.schedule, task.status, task.reason) == (due, "SKIPPED", "the service moves")


def test_the_task_of_an_occurrence_that_no_plan_decided_is_not_stored_yet() -> None:
    schedule = a_schedule(now=NOW)
    task = dispatch.task_of(schedule, LATER, now=DUE, woken_by="crontab")
    assert not Task.objects.exists()
    assert (task.due_at, task.woken_by, task.status) == (LATER, "crontab", "QUEUED")
    assert (task.schedule_id, task.host, task.send_at) == (schedule.pk, "", DUE + ledger.UNCLAIMED_AFTER)


def test_a_task_that_a_person_asks_for_runs_on_the_host_of_its_schedule() -> None:
    task = dispatch.extra_task(a_schedule(now=NOW, backend="crontab"), now=NOW, woken_by="request")
    assert (task.executor, task.host) == ("inline", "testhost")


def test_a_batch_takes_what_is_due_longest_and_one_schedule_is_decided_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BATCH", 1)
    last, first = a_schedule(now=DUE), a_schedule(now=NOW, catch_up="all", overlap="allow")
    [taken], _ = dispatch.decide_batch(Q(routed_to="beat"), now=at("2026-11-20 10:10"), woken_by="beat")
    assert taken == first
    assert [task.schedule_id for task in dispatch.decide_all([last], now=last.next_due_at or DUE, woken_by="beat")] == [
        last.pk
    ]
    # 10:10, 10:15 and 10:20.
    assert len(dispatch.fire(first.pk, now=LATER, woken_by="beat")) == 3
