"""The notifier is called after each commit, and its failures stop nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from scheduling import ledger
from scheduling.events import notifier
from scheduling.events.notifier import Notifier, OnEvents
from scheduling.lifecycle import Status
from scheduling.models import Task
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule

SENT: list[list[int]] = []


class RecordingNotifier(Notifier):
    """Records each notification."""

    def notify(self, task_ids: Sequence[int]) -> None:
        SENT.append(list(task_ids))

    def listen(self, heard: OnEvents) -> None:
        heard([])


class ForkingNotifier(RecordingNotifier):
    """Says when it is told of processes that are forked."""

    def prepare(self) -> None:
        SENT.append([1])

    def serve_children(self) -> None:
        SENT.append([2])


class BrokenNotifier(RecordingNotifier):
    """A notifier that raises."""

    def notify(self, task_ids: Sequence[int]) -> None:
        raise ZeroDivisionError


@pytest.fixture
def sent(transactional_db: None, settings: Settings) -> Iterator[list[list[int]]]:
    settings.TANDEM_NOTIFIER = {"test": f"{__name__}.RecordingNotifier"}
    SENT.clear()
    yield SENT
    SENT.clear()


def test_every_move_of_a_task_is_notified(sent: list[list[int]]) -> None:
    task = a_task(a_schedule())
    running = ledger.claim(task.pk, 1, worker="test", now=timezone.now())
    assert running is not None
    ledger.progress(running, done=1, total=2, message="", now=timezone.now())
    ledger.complete(running, result=None, now=timezone.now())
    assert sent == [[task.pk]] * 4


def test_a_move_of_many_tasks_is_one_notification(sent: list[list[int]]) -> None:
    schedule = a_schedule()
    waiting = [a_task(schedule, status="SCHEDULED").pk for _ in range(2)]
    sent.clear()
    ledger.queue_waiting(waiting, now=timezone.now())
    with transaction.atomic():
        ledger.cancel_unclaimed(waiting, reason="no need", now=timezone.now())
    assert sent == [waiting, waiting]


def test_the_tasks_of_a_batch_are_one_notification(sent: list[list[int]]) -> None:
    schedule, now = a_schedule(), timezone.now()
    due = [ledger.DecidedOccurrence(schedule.pk, now + timedelta(minutes=n), Status.QUEUED, "", "") for n in range(2)]
    with transaction.atomic():
        made = ledger.record_occurrences([schedule], due, woken_by="beat", now=now)
    assert sent == [[task.pk for task in made]]


def test_it_notifies_after_the_commit_and_not_after_a_rollback(sent: list[list[int]]) -> None:
    with transaction.atomic():
        task = a_task(a_schedule())
        assert sent == []
    assert sent == [[task.pk]]
    with transaction.atomic():
        a_task(a_schedule())
        transaction.set_rollback(True)
    assert sent == [[task.pk]]


def test_a_notifier_that_breaks_stops_nobody(sent: list[list[int]], settings: Settings) -> None:
    settings.TANDEM_NOTIFIER = {"test": f"{__name__}.BrokenNotifier"}
    assert Task.objects.filter(pk=a_task(a_schedule()).pk).exists()


def test_there_may_be_no_notifier(sent: list[list[int]], settings: Settings) -> None:
    settings.TANDEM_NOTIFIER = {}
    a_task(a_schedule())
    heard: list[object] = []
    notifier.listen(heard.append)
    assert sent == heard == []


def test_each_of_several_notifiers_is_told_and_listened_to(sent: list[list[int]], settings: Settings) -> None:
    settings.TANDEM_NOTIFIER = dict.fromkeys(("one", "other"), f"{__name__}.ForkingNotifier")
    task = a_task(a_schedule())
    assert sent == [[task.pk]] * 2
    heard: list[object] = []
    notifier.listen(heard.append)
    assert heard == [[], []]


def test_each_of_several_notifiers_is_made_ready_for_forks(settings: Settings, sent: list[list[int]]) -> None:
    settings.TANDEM_NOTIFIER = dict.fromkeys(("one", "other"), f"{__name__}.ForkingNotifier")
    notifier.prepare()
    notifier.serve_children()
    assert sent == [[1], [1], [2], [2]]


def test_nobody_is_woken_when_nothing_has_moved(sent: list[list[int]]) -> None:
    # An empty notification means: any task.
    assert ledger.queue_waiting([], now=timezone.now()) == []
    with transaction.atomic():
        ledger.record_occurrences([a_schedule()], [], woken_by="beat", now=timezone.now())
    assert sent == []
