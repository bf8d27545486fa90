"""Lost messages are detected by the number of messages that each queue holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.test import override_settings

from scheduling import delivery, ledger
from scheduling.executor import executor
from scheduling.models import Task
from scheduling.upkeep import lost_messages
from scheduling.upkeep.sweep import sweep
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule, at
from tests.recording import SETTINGS_EXECUTORS, RecordingExecutor

pytestmark = pytest.mark.django_db

SENT = at("2026-11-20 10:00")
LATER = SENT + lost_messages.IN_TRANSIT + timedelta(seconds=1)


class Holding(RecordingExecutor):
    """An executor that holds a given number of messages in each queue. None: it cannot tell."""

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, int | None] = {}
        self.asked: list[list[str]] = []

    def queue_of(self, queue: str) -> str:
        return queue or "tandem"

    def waiting(self, queues: Collection[str]) -> dict[str, int]:
        self.asked.append(sorted(queues))
        held = {queue: self.held.get(queue, 0) for queue in queues}
        return {queue: count for queue, count in held.items() if count is not None}


@pytest.fixture
def worker() -> Iterator[Holding]:
    with override_settings(TANDEM_EXECUTORS={**SETTINGS_EXECUTORS, "worker": f"{__name__}.Holding"}):
        found = executor("worker")
        assert isinstance(found, Holding)
        yield found


def sent_tasks(
    count: int, *, before: int = 0, now: datetime = SENT, executor: str = "worker", queue: str = ""
) -> list[Task]:
    """Tasks that were handed over at `now`, and `before` times before."""
    schedule = a_schedule(now=now)
    tasks = [a_task(schedule, now=now, sends=before, executor=executor, queue=queue) for _ in range(count)]
    ledger.sent(tasks, now=now)
    return tasks


@pytest.mark.parametrize("before", [0, 1, 2, 6, 7, 40])
def test_tasks_are_sent_again_to_a_broker_that_is_empty(worker: Holding, before: int) -> None:
    tasks = sent_tasks(3, before=before)
    sweep(now=SENT + lost_messages.IN_TRANSIT)
    assert worker.submitted == []
    sweep(now=LATER)
    assert worker.submitted == [(task.pk, 1) for task in tasks]


def test_what_was_just_sent_again_is_given_time(worker: Holding) -> None:
    sent_tasks(3)
    sweep(now=LATER)
    sweep(now=LATER + lost_messages.IN_TRANSIT)
    assert len(worker.submitted) == 3
    sweep(now=LATER + lost_messages.IN_TRANSIT + timedelta(seconds=1))
    assert len(worker.submitted) == 6


@pytest.mark.parametrize(("held", "again"), [(0, 4), (1, 4), (2, 0), (4, 0), (100, 0), (None, 0)])
def test_nothing_is_sent_again_for_half_of_the_messages_or_no_answer(
    worker: Holding, held: int | None, again: int
) -> None:
    sent_tasks(4)
    worker.held["tandem"] = held
    sweep(now=LATER)
    assert len(worker.submitted) == again


def test_what_one_executor_holds_says_nothing_about_another() -> None:
    executors = dict.fromkeys(("worker", "elsewhere"), f"{__name__}.Holding")
    with override_settings(TANDEM_EXECUTORS=SETTINGS_EXECUTORS | executors):
        there, away = executor("worker"), executor("elsewhere")
        assert isinstance(there, Holding)
        assert isinstance(away, Holding)
        kept, lost = sent_tasks(2), sent_tasks(3, executor="elsewhere")
        there.held["tandem"] = len(kept)
        assert lost_messages.make_due(now=LATER) == len(lost)
        due = Task.objects.filter(send_at=LATER).order_by("pk")
        assert list(due) == lost


def test_nobody_is_asked_where_nothing_was_sent_and_left(worker: Holding) -> None:
    claimed, cancelled, never_sent = sent_tasks(3)
    ledger.claim(claimed.pk, 1, worker="me", now=LATER)
    ledger.cancel(cancelled.pk, reason="no", now=LATER)
    Task.objects.filter(pk=never_sent.pk).update(sends=0)
    sweep(now=LATER)
    assert worker.asked == []


def test_what_another_process_is_sending_just_now_is_left_to_it(worker: Holding) -> None:
    sent_tasks(3)
    Task.objects.update(send_at=LATER)
    assert len(delivery.take_unclaimed(now=LATER)) == 3
    sweep(now=LATER)
    assert worker.submitted == []
    assert worker.asked == []


def test_two_thousand_messages_in_another_queue_are_not_sent_again(worker: Holding) -> None:
    with transaction.atomic():
        tasks = ledger.record((Task(executor="worker", queue="reports", status="QUEUED") for _ in range(2000)), SENT)
        ledger.sent(tasks, now=SENT)
    worker.held["reports"] = 2000
    for seconds in range(6, 60, 6):
        sweep(now=SENT + timedelta(seconds=seconds))
    assert worker.submitted == []
    assert worker.asked == [["reports"]] * 9


def test_a_queue_that_was_emptied_is_sent_again_and_no_other(worker: Holding) -> None:
    sent_tasks(4)
    reports = sent_tasks(3, queue="reports")
    unknown = sent_tasks(3, queue="unknown")
    worker.held = {"tandem": 4, "reports": 1, "unknown": None}
    sweep(now=LATER)
    assert worker.submitted == [(task.pk, 1) for task in reports]
    assert set(Task.objects.filter(pk__in=[task.pk for task in unknown]).values_list("sends", flat=True)) == {1}


def test_a_task_that_names_the_default_queue_waits_in_it(worker: Holding) -> None:
    tasks = [*sent_tasks(2), *sent_tasks(2, queue="tandem")]
    worker.held["tandem"] = 2
    sweep(now=LATER)
    assert worker.submitted == []
    worker.held["tandem"] = 1
    sweep(now=LATER)
    assert sorted(worker.submitted) == [(task.pk, 1) for task in tasks]


def test_a_task_that_was_sent_as_often_as_is_counted_is_sent_again(worker: Holding) -> None:
    [task] = sent_tasks(1, before=ledger.MOST_SENDS)
    sweep(now=LATER)
    assert worker.submitted == [(task.pk, 1)]
    assert Task.objects.get().sends == ledger.MOST_SENDS


def test_an_executor_that_cannot_tell_is_believed_to_hold_everything() -> None:
    assert RecordingExecutor().waiting([""]) == {}
    assert executor("inline").waiting([""]) == {}
