"""Who may hand over a queued task: whoever has read it last, and nobody else has taken since."""

from __future__ import annotations

import pytest

from scheduling import ledger
from scheduling.models import Task
from tests.conftest import at

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")
LATER = at("2026-11-20 10:01")


def queued() -> Task:
    """A stored task that nobody has handed over."""
    task = Task(
        name="a task", job="demo.process_data", woken_by="request", executor="worker", status="QUEUED",
        send_at=NOW + ledger.UNCLAIMED_AFTER,
    )  # fmt: skip
    return ledger.record([task], NOW)[0]


def send_at(task: Task) -> object:
    """From when on the stored task counts as unclaimed."""
    return Task.objects.values_list("send_at", flat=True).get(pk=task.pk)


def test_who_holds_tasks_has_the_usual_time_from_then_on() -> None:
    first, second, third = queued(), queued(), queued()
    assert ledger.hold([second, first], now=LATER) == [second, first]
    assert [send_at(task) for task in (first, second)] == [LATER + ledger.UNCLAIMED_AFTER] * 2
    assert send_at(third) == NOW + ledger.UNCLAIMED_AFTER


def test_a_task_is_held_by_one() -> None:
    ours, theirs = queued(), queued()
    assert ledger.hold([theirs], now=LATER) == [theirs]
    before = send_at(theirs)
    # `theirs` is as it was when it was stored.
    assert ledger.hold([theirs, ours], now=at("2026-11-20 10:02")) == [ours]
    assert send_at(theirs) == before


def test_what_is_not_queued_any_more_is_not_held() -> None:
    ended, running = queued(), queued()
    Task.objects.filter(pk=ended.pk).update(status="CANCELLED")
    ledger.claim(running.pk, 1, worker="me", now=NOW)
    assert ledger.hold([ended, running], now=LATER) == []
    assert (send_at(ended), send_at(running)) == (NOW + ledger.UNCLAIMED_AFTER, None)
