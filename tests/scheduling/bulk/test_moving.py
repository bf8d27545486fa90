"""Many schedules at once: one write of each engine, an answer for each schedule, and no occurrence left out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from pytest_django import Settings

from scheduling import bulk, dispatch, drafts, schedules
from scheduling.backend import WriteResult, backend
from scheduling.bulk import chosen
from scheduling.errors import BackendError, InvalidRequest
from scheduling.models import Schedule, SyncState, Task
from tests.conftest import a_schedule, at
from tests.recording import MemoryBackend, in_memory

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")


class CountingBackend(MemoryBackend):
    """Knows how many schedules each write was for."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[int] = []

    def install_all(self, schedules: Sequence[Schedule]) -> dict[int, WriteResult]:
        self.writes.append(len(schedules))
        return super().install_all(schedules)


@pytest.fixture(autouse=True)
def memory(settings: Settings) -> CountingBackend:
    """The backend `memory`, beside `beat` and `crontab`."""
    return in_memory(settings, CountingBackend)


def move(*, to: str, host: str = "", dry_run: bool = False) -> list[bulk.MovedSchedule]:
    rows = Schedule.objects.all()
    return bulk.move(rows, to=to, host=host, dry_run=dry_run, now=NOW, read_clock=lambda: NOW)


def test_schedules_are_stored_and_installed_with_one_write(memory: CountingBackend) -> None:
    made = [
        drafts.draft(now=NOW, name=f"s{number}", job="demo.process_data", cron="0 3 * * *", backend="memory")
        for number in range(50)
    ]
    bulk.store_all(made)
    assert memory.writes == [50]
    assert set(Schedule.objects.values_list("sync_state", flat=True)) == {SyncState.IN_SYNC}
    assert len(memory.inspect()) == 50


def test_a_move_writes_once_and_answers_for_each(memory: CountingBackend) -> None:
    on_beat = [a_schedule(now=NOW) for _ in range(3)]
    there = a_schedule(now=NOW, backend="memory")
    memory.writes.clear()
    moved = move(to="memory")
    assert [(one.schedule, one.outcome) for one in moved] == [
        *((one.pk, "moved") for one in on_beat),
        (there.pk, "unchanged"),
    ]
    assert memory.writes == [3]
    assert backend("beat").inspect() == []


def test_a_schedule_that_the_backend_cannot_hold_is_refused_with_the_reason(memory: CountingBackend) -> None:
    seconds, minutes = a_schedule(now=NOW, every=30), a_schedule(now=NOW, every=60)
    first, second = move(to="crontab")
    assert (first.outcome, first.routed_to) == ("refused", "beat")
    assert "multiple of 60" in first.detail
    assert second.outcome == "moved"
    assert Schedule.objects.get(pk=seconds.pk).routed_to == "beat"
    assert Schedule.objects.get(pk=minutes.pk).routed_to == "crontab"


def test_a_dry_run_says_the_same_and_stores_nothing() -> None:
    a_schedule(now=NOW, every=30)
    a_schedule(now=NOW)
    before = list(Schedule.objects.order_by("pk").values())
    assert [one.outcome for one in move(to="crontab", dry_run=True)] == ["refused", "would_move"]
    assert list(Schedule.objects.order_by("pk").values()) == before


def test_what_cannot_be_installed_is_moved_and_says_why(memory: CountingBackend) -> None:
    a_schedule(now=NOW)
    memory.error = "the engine is away"
    [moved] = move(to="memory")
    assert (moved.outcome, moved.routed_to, moved.detail) == ("moved", "memory", "the engine is away")
    assert Schedule.objects.get().sync_state == SyncState.OUT_OF_SYNC
    with pytest.raises(BackendError):
        memory.inspect()


def test_what_came_due_while_it_moved_is_decided_once() -> None:
    schedule = a_schedule(now=NOW - timedelta(minutes=1), cron="* * * * *", backend="beat")
    schedules.update(schedule.pk, now=NOW, name="nothing is due any more")
    later = NOW + timedelta(seconds=61)
    rows = Schedule.objects.all()
    bulk.move(rows, to="memory", dry_run=False, now=NOW + timedelta(seconds=59), read_clock=lambda: later)
    assert list(Task.objects.values_list("due_at", flat=True).order_by("due_at")) == [
        NOW,
        NOW + timedelta(minutes=1),
    ]
    assert dispatch.fire(schedule.pk, now=later, woken_by="memory") == []


@pytest.mark.parametrize(
    ("to", "host", "field", "code"),
    [("nowhere", "", "backend", "unknown_backend"), ("beat", "db1", "host", "no_hosts")],
)
def test_a_place_that_cannot_be_is_refused(to: str, host: str, field: str, code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        move(to=to, host=host)
    assert [(one.field, one.code) for one in refused.value.problems] == [(field, code)]


def test_more_than_the_most_are_refused_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "MOST", 2)
    for _ in range(3):
        a_schedule(now=NOW)
    with pytest.raises(InvalidRequest, match="narrow the filters"):
        move(to="memory")
    assert not Schedule.objects.filter(routed_to="memory").exists()
