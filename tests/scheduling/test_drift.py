"""What differs is told by kind, recorded once, and mended once; a table that fails turns every schedule on it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from scheduling import drift, drift_log, schedules
from scheduling.backend import Capabilities, backend
from scheduling.difference import Difference, DifferenceKind
from scheduling.drift import compare
from scheduling.entry import Entry
from scheduling.errors import BackendError
from scheduling.models import AuditEntry, DriftRecord, DriftSchedule, Schedule
from scheduling.upkeep import retention
from tests.conftest import a_schedule, at
from tests.recording import MemoryBackend

NOW = at("2026-11-20 10:00")
A, B, C = Entry("one", (1,)), Entry("two", (2,)), Entry("three", (3,))


def kinds(*differences: Difference) -> list[tuple[str, str, tuple[int, ...]]]:
    return sorted((each.kind.value, each.text, each.schedule_ids) for each in differences)


def test_entries_that_are_equal_differ_in_nothing() -> None:
    assert not compare([A, B], [B, A])


def test_what_lacks_what_is_too_much_and_what_was_changed() -> None:
    found = compare([Entry("uno", (1,)), C, C], [A, B, C])
    assert (found.missing, found.left_over) == ((A, B), (C, Entry("uno", (1,))))
    assert kinds(*found.differences) == [
        ("changed", "uno", (1,)),
        ("left_over", "three", (3,)),
        ("missing", "two", (2,)),
    ]
    changed = next(each for each in found.differences if each.kind is DifferenceKind.CHANGED)
    assert (changed.wanted, changed.found) == ("one", "uno")


def test_what_the_backend_says_of_an_entry_takes_the_place_of_what_is_told_here() -> None:
    disabled = Difference(DifferenceKind.DISABLED, "one (disabled)", (1,), instead_of="one")
    found = compare([Entry("one (disabled)", (1,))], [A], [disabled])
    assert found.differences == (disabled,)
    assert found.missing == (A,)


@pytest.mark.parametrize("count", [10_000, 20_000])
def test_thousands_of_differences_are_compared_at_once(count: int) -> None:
    """Each of the entries is looked at a few times. Each with each would be 100 million comparisons, or 400."""
    looked = 0

    class Counted(str):
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            nonlocal looked
            looked += 1
            return str.__eq__(self, other)

    desired = [Entry(Counted(f"wanted {number}"), (number,)) for number in range(count)]
    existing = [Entry(Counted(f"found {number}"), (number,)) for number in range(count)]
    assert len(compare(existing, desired).differences) == count
    assert looked < 50 * count


def seen(*texts: str) -> list[Difference]:
    return [Difference(DifferenceKind.MISSING, text, (7,)) for text in texts]


@pytest.mark.django_db
def test_a_difference_is_noticed_once_seen_again_and_mended_once(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    drift_log.keep("crontab", "here", seen("a", "b"), now=NOW)
    drift_log.keep("crontab", "here", seen("a", "b"), now=NOW + timedelta(minutes=1))
    drift_log.keep("crontab", "there", [], now=NOW)
    first, second = DriftRecord.objects.order_by("pk")
    assert (first.number, second.number, first.seen_at) == (1, 2, NOW + timedelta(minutes=1))
    assert first.noticed_by.endswith(f"on {django_settings.TANDEM_HOST}")
    drift_log.keep("crontab", "here", seen("b"), now=NOW + timedelta(minutes=2))
    first.refresh_from_db()
    assert (first.number, first.noticed_at, first.mended_at) == (3, NOW, NOW + timedelta(minutes=2))
    assert DriftSchedule.objects.filter(schedule_id=7).count() == 2
    drift_log.keep("crontab", "here", [], now=NOW + timedelta(minutes=3))
    with django_assert_num_queries(1):
        drift_log.keep("crontab", "here", [], now=NOW + timedelta(minutes=4))
    drift_log.keep("crontab", "here", seen("a"), now=NOW + timedelta(minutes=5))
    assert list(DriftRecord.objects.order_by("pk").values_list("number", flat=True)) == [3, 4, 5]


@pytest.mark.django_db
def test_of_one_engine_so_many_are_recorded_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_log, "MOST_OPEN", 2)
    drift_log.keep("crontab", "here", seen("a", "b", "c"), now=NOW)
    assert list(DriftRecord.objects.order_by("pk").values_list("wanted", flat=True)) == ["a", "b"]


@pytest.mark.django_db
def test_mended_records_are_kept_for_a_while_open_ones_stay_and_no_number_comes_twice(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TANDEM_KEEP_DAYS = 1
    drift_log.keep("crontab", "here", seen("open", "old"), now=NOW)
    drift_log.keep("crontab", "here", seen("open"), now=NOW)
    drift_log.keep("beat", "", seen("last"), now=NOW)
    drift_log.keep("beat", "", [], now=NOW)
    retention.prune(now=NOW + timedelta(days=2))
    assert sorted(DriftRecord.objects.values_list("wanted", flat=True)) == ["last", "open"]
    drift_log.keep("beat", "", seen("new"), now=NOW + timedelta(days=2))
    assert DriftRecord.objects.get(wanted="new").number == 6
    monkeypatch.setattr(drift_log, "MOST_KEPT", 0)
    drift_log.prune(now=NOW)
    assert sorted(DriftRecord.objects.values_list("wanted", flat=True)) == ["new", "open"]


@pytest.fixture
def memory(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> MemoryBackend:
    """A backend whose entries belong to this host."""
    settings.TANDEM_BACKENDS = {"memory": "tests.recording.MemoryBackend"}
    monkeypatch.setattr(MemoryBackend, "capabilities", Capabilities(seconds=True, executors=("inline",), per_host=True))
    found = backend("memory")
    assert isinstance(found, MemoryBackend)
    monkeypatch.setattr(found, "error", "")
    monkeypatch.setattr(found, "_held", {})
    return found


@pytest.mark.django_db
def test_an_engine_that_fails_turns_every_schedule_on_it_and_back(memory: MemoryBackend) -> None:
    one, paused = a_schedule(backend="memory"), a_schedule(backend="memory")
    schedules.pause(paused.pk, now=timezone.now())
    elsewhere = a_schedule(backend="memory")
    Schedule.objects.filter(pk=elsewhere.pk).update(host="elsewhere")
    memory.error = "the disk is full"
    with pytest.raises(BackendError):
        drift.sync(memory)
    states = dict(Schedule.objects.values_list("pk", "sync_error"))
    assert states == {one.pk: "the disk is full", paused.pk: "the disk is full", elsewhere.pk: ""}
    memory.error = ""
    drift.sync(memory)
    assert set(Schedule.objects.values_list("sync_state", "sync_error")) == {("in_sync", "")}


@pytest.mark.django_db
def test_a_sync_records_what_it_found_and_that_it_mended_it(memory: MemoryBackend) -> None:
    schedule = a_schedule(backend="memory")
    memory.remove(schedule)
    drift.find(memory)
    record = DriftRecord.objects.get()
    assert (record.kind, record.host, record.mended_at) == ("missing", django_settings.TANDEM_HOST, None)
    drift.sync(memory)
    record.refresh_from_db()
    assert record.mended_at is not None
    assert record.concerned.get().schedule_id == schedule.pk


@pytest.mark.django_db
def test_the_audit_log_has_what_was_mended_and_no_sync_that_mended_nothing(memory: MemoryBackend) -> None:
    schedule = a_schedule(backend="memory")
    drift.sync(memory)
    memory.remove(schedule)
    for _ in range(2):
        drift.sync(memory)
    entry = AuditEntry.objects.get(subject="backend")
    assert (entry.subject_id, entry.actor, entry.changes) == ("memory", None, {"missing": [1, 0]})
