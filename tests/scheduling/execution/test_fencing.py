"""An attempt that was treated as lost may still end. It must not change the attempt that followed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduling import ledger
from scheduling.lifecycle import Status
from scheduling.models import Task
from scheduling.upkeep import lost_attempts
from scheduling.upkeep.sweep import cancel_expired, sweep
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule, at
from tests.process_rows import ended_process

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")
LATER = NOW + lost_attempts.LOST_AFTER + timedelta(seconds=1)


def two_attempts() -> tuple[Task, Task]:
    """A first attempt that was treated as lost but still runs, and a second one that runs."""
    task = a_task(a_schedule(now=NOW, on_lost="retry"), now=NOW)
    first = ledger.claim(task.pk, 1, worker="first", process=ended_process(), now=NOW)
    sweep(now=LATER)
    second = ledger.claim(task.pk, 2, worker="second", now=LATER)
    assert first is not None
    assert second is not None
    return first, second


def test_a_late_stop_of_a_lost_attempt_leaves_the_next_one_running() -> None:
    first, second = two_attempts()
    assert not ledger.stopped(first, reason="asked to stop", now=LATER)
    assert Task.objects.get(pk=first.pk).status == Status.RUNNING
    assert ledger.stopped(second, reason="asked to stop", now=LATER)
    assert Task.objects.get(pk=first.pk).status == Status.CANCELLED


def test_a_late_end_of_a_lost_attempt_changes_nothing() -> None:
    first, second = two_attempts()
    assert not ledger.complete(first, result=None, now=LATER)
    assert not ledger.fail(first, error="late", now=LATER)
    assert ledger.complete(second, result=None, now=LATER)


def test_a_lost_attempt_that_still_speaks_is_not_taken_for_the_next_one() -> None:
    first, second = two_attempts()
    ledger.ask_to_stop(second.pk, reason="enough", now=LATER)
    assert not ledger.progress(first, done=1, total=2, message="of the first", now=LATER + timedelta(seconds=1))
    assert ledger.attempt_state(first) == (False, False)
    assert ledger.attempt_state(second) == (True, True)
    second.refresh_from_db()
    assert second.progress is None


def test_what_expired_just_after_it_was_claimed_goes_on() -> None:
    task = a_task(a_schedule(now=NOW), now=NOW, expires=LATER)
    ledger.claim(task.pk, 1, worker="me", now=NOW)
    assert not ledger.cancel(task.pk, reason="it expired before it could start", now=LATER, running=False)
    cancel_expired(now=LATER)
    assert Task.objects.get(pk=task.pk).status == Status.RUNNING
