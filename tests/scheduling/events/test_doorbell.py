"""The doorbell rings for what was committed, once it is, and troubles nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from scheduling import ledger
from scheduling.events import doorbell
from scheduling.events.doorbell import Doorbell, Heard
from scheduling.models import Task
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule

RINGS: list[list[int]] = []


class RecordingDoorbell(Doorbell):
    """Rings by writing it down."""

    def ring(self, task_ids: Sequence[int]) -> None:
        RINGS.append(list(task_ids))

    def listen(self, heard: Heard) -> None:
        heard([])


class BrokenDoorbell(RecordingDoorbell):
    """Does what no doorbell should."""

    def ring(self, task_ids: Sequence[int]) -> None:
        raise ZeroDivisionError


@pytest.fixture
def rings(transactional_db: None, settings: Settings) -> Iterator[list[list[int]]]:
    settings.TANDEM_DOORBELL = {"test": f"{__name__}.RecordingDoorbell"}
    RINGS.clear()
    yield RINGS
    RINGS.clear()


def test_every_move_of_a_task_rings_for_it(rings: list[list[int]]) -> None:
    task = a_task(a_schedule())
    running = ledger.claim(task.pk, 1, worker="test", now=timezone.now())
    assert running is not None
    ledger.progress(running, done=1, total=2, message="", now=timezone.now())
    ledger.complete(running, result=None, now=timezone.now())
    assert rings == [[task.pk]] * 4


def test_it_rings_after_the_commit_and_not_after_a_rollback(rings: list[list[int]]) -> None:
    with transaction.atomic():
        task = a_task(a_schedule())
        assert rings == []
    assert rings == [[task.pk]]
    with transaction.atomic():
        a_task(a_schedule())
        transaction.set_rollback(True)
    assert rings == [[task.pk]]


def test_a_doorbell_that_breaks_stops_nobody(rings: list[list[int]], settings: Settings) -> None:
    settings.TANDEM_DOORBELL = {"test": f"{__name__}.BrokenDoorbell"}
    assert Task.objects.filter(pk=a_task(a_schedule()).pk).exists()


def test_there_may_be_no_doorbell(rings: list[list[int]], settings: Settings) -> None:
    settings.TANDEM_DOORBELL = {}
    a_task(a_schedule())
    heard: list[object] = []
    doorbell.listen(heard.append)
    assert rings == heard == []
