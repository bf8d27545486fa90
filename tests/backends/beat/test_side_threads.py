"""What beat does in threads of its own: it never stops, and never holds up a tick."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from backends.beat import side_threads
from backends.beat.side_threads import PRUNE_EVERY, UPKEEP_EVERY, SideThread
from scheduling.models import Task
from scheduling.upkeep import retention
from tests.backends.beat.ticking import Beat, make_due
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.recording import RecordingExecutor
from tests.scheduling.upkeep.test_retention import some_tasks

pytestmark = pytest.mark.django_db(transaction=True)

# Longer than any of these tests takes; only one that fails waits for it.
LONGEST = 30.0


def test_a_round_that_hangs_does_not_hold_up_a_tick(beat: Beat, recorded: RecordingExecutor) -> None:
    hangs, go_on = threading.Event(), threading.Event()

    def hang() -> float:
        hangs.set()
        go_on.wait(LONGEST)
        return LONGEST

    hanging = SideThread("retention", hang)
    hanging.start()
    assert hangs.wait(LONGEST)
    make_due(a_schedule(every=60))
    beat.tick()
    assert len(recorded.submitted) == 1
    assert not go_on.is_set()
    hanging.ask_to_end()
    go_on.set()
    hanging.wait_for_end()


def test_a_round_that_fails_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backends.beat.backoff.FIRST_BACKOFF", 0.01)
    again, tries = threading.Event(), []

    def fail() -> float:
        tries.append(threading.current_thread().name)
        if len(tries) == 1:
            raise OperationalError("gone away")
        again.set()
        return LONGEST

    failing = SideThread("upkeep", fail)
    failing.start()
    assert again.wait(LONGEST)
    side_threads.stop([failing])
    assert tries == ["upkeep", "upkeep"]


def test_a_round_that_does_not_end_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(side_threads, "END_WITHIN", 0.01)
    begun, go_on = threading.Event(), threading.Event()

    def hang() -> float:
        begun.set()
        go_on.wait(LONGEST)
        return LONGEST

    hanging = SideThread("retention", hang)
    hanging.start()
    assert begun.wait(LONGEST)
    side_threads.stop([hanging])
    assert "retention has not ended" in caplog.text
    go_on.set()


def test_upkeep_sends_what_was_left_behind(recorded: RecordingExecutor) -> None:
    left = a_task(a_schedule(every=3600), now=timezone.now() - timedelta(minutes=1))
    assert side_threads.upkeep() == UPKEEP_EVERY
    assert recorded.submitted == [(left.pk, 1)]


def test_retention_goes_on_at_once_while_there_is_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention, "MOST", 2)
    some_tasks(3, age=timedelta(days=4000))
    assert [side_threads.prune(), side_threads.prune()] == [0.0, PRUNE_EVERY]
    assert not Task.objects.exists()
