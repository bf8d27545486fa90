"""Occurrences that are left out, or run after all, because somebody asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from scheduling import dispatch, dry_run, queries, receipts, skip_and_backfill
from scheduling.errors import InvalidRequest, NotFound
from scheduling.models import AuditEntry, Schedule, Task
from scheduling.skip_and_backfill import backfill, skip
from scheduling.upkeep import retention
from tests.conftest import a_schedule, at
from tests.recording import RecordingExecutor

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")
HOUR = timedelta(hours=1)


def hourly(**wanted: object) -> Schedule:
    return a_schedule(now=NOW, cron="0 * * * *", **wanted)


def statuses(schedule: Schedule) -> list[tuple[int, str]]:
    rows = Task.objects.filter(schedule=schedule).order_by("due_at").values_list("due_at", "status")
    return [((due_at - NOW) // HOUR, status) for due_at, status in rows if due_at is not None]


def test_the_next_occurrences_do_not_run(recorded: RecordingExecutor) -> None:
    schedule = hourly()
    assert skip(schedule.pk, 2, now=NOW) == [NOW + HOUR, NOW + 2 * HOUR]
    for hours in (1, 2, 3):
        dispatch.dispatch_due("beat", now=NOW + hours * HOUR)
    assert statuses(schedule) == [(1, "SKIPPED"), (2, "SKIPPED"), (3, "QUEUED")]
    assert len(recorded.submitted) == 1


def test_a_second_request_skips_those_after_them() -> None:
    schedule = hourly(ends_at=NOW + 3 * HOUR)
    skip(schedule.pk, 2, now=NOW)
    assert skip(schedule.pk, 5, now=NOW) == [NOW + 3 * HOUR]


def test_what_is_due_and_not_decided_yet_is_neither_skipped_nor_run_a_second_time(recorded: RecordingExecutor) -> None:
    schedule = hourly()
    later = NOW + 1.5 * HOUR
    assert skip(schedule.pk, 1, now=later) == [NOW + 2 * HOUR]
    assert backfill(schedule.pk, start=NOW - HOUR, end=NOW + HOUR, now=later) == [NOW - HOUR, NOW]


def test_both_leave_a_receipt_and_say_who_asked_for_what(recorded: RecordingExecutor) -> None:
    schedule = hourly()
    kept: list[object] = []
    with receipts.kept_by(kept.append):
        found = [skip(schedule.pk, 2, now=NOW), backfill(schedule.pk, start=NOW - HOUR, end=NOW - HOUR, now=NOW)]
    assert kept == found
    noted = AuditEntry.objects.exclude(action="created").order_by("pk")
    assert [(entry.action, entry.changes["occurrences"]) for entry in noted] == [
        ("skipped", [None, 2]), ("backfilled", [None, 1]),
    ]  # fmt: skip


def test_what_was_skipped_of_another_schedule_is_its_own_matter() -> None:
    first, second = hourly(), hourly()
    assert skip(first.pk, 1, now=NOW) == skip(second.pk, 1, now=NOW) == [NOW + HOUR]


@pytest.mark.parametrize(("executor", "host"), [("inline", "testhost"), ("worker", "")])
def test_what_runs_after_its_time_runs_where_the_schedule_runs(
    executor: str, host: str, recorded: RecordingExecutor
) -> None:
    schedule = hourly(backend="crontab", executor=executor)
    backfill(schedule.pk, start=NOW - HOUR, end=NOW - HOUR, now=NOW)
    dispatch.fire(schedule.pk, now=NOW + HOUR, woken_by="crontab")
    assert set(Task.objects.values_list("executor", "host")) == {(executor, host)}


def test_what_is_skipped_is_shown_once_in_the_list() -> None:
    schedule = hourly()
    skip(schedule.pk, 1, now=NOW)
    found = queries.occurrences(schedule, start=NOW, end=NOW + 2 * HOUR)
    assert [(one.due_at, one.task is not None) for one in found] == [(NOW + HOUR, True), (NOW + 2 * HOUR, False)]


def test_retention_keeps_the_row_of_a_coming_occurrence(settings: Settings) -> None:
    schedule = a_schedule(cron="0 0 1 1 *")
    [due_at] = skip(schedule.pk, 1, now=NOW)
    retention.prune(now=due_at - HOUR)
    assert Task.objects.filter(schedule=schedule, due_at=due_at).exists()


def test_past_occurrences_run_one_after_the_other(recorded: RecordingExecutor) -> None:
    schedule = hourly()
    found = backfill(schedule.pk, start=NOW - 3 * HOUR, end=NOW - HOUR, now=NOW)
    assert found == [NOW - hours * HOUR for hours in (3, 2, 1)]
    assert statuses(schedule) == [(-3, "QUEUED"), (-2, "SCHEDULED"), (-1, "SCHEDULED")]
    assert len(recorded.submitted) == 1
    assert backfill(schedule.pk, start=NOW - 4 * HOUR, end=NOW - HOUR, now=NOW) == [NOW - 4 * HOUR]


def test_with_overlap_allow_they_run_at_once(recorded: RecordingExecutor) -> None:
    schedule = hourly(overlap="allow")
    backfill(schedule.pk, start=NOW - 2 * HOUR, end=NOW - HOUR, now=NOW)
    assert statuses(schedule) == [(-2, "QUEUED"), (-1, "QUEUED")]
    assert len(recorded.submitted) == 2


@pytest.mark.parametrize(("start", "end", "code"), [(-1, -2, "ends_before_start"), (-1, 0, "not_past")])
def test_a_time_that_cannot_be_is_refused(start: int, end: int, code: str) -> None:
    schedule = hourly()
    with pytest.raises(InvalidRequest) as refused:
        backfill(schedule.pk, start=NOW + start * HOUR, end=NOW + end * HOUR, now=NOW)
    assert [one.code for one in refused.value.problems] == [code]
    assert statuses(schedule) == []


def test_a_range_from_the_first_year_on_has_what_can_be(recorded: RecordingExecutor) -> None:
    schedule = hourly()
    first = datetime(1, 1, 1, tzinfo=UTC)
    assert backfill(schedule.pk, start=first, end=first + HOUR, now=NOW) == []
    epoch = at("1970-01-01 00:00")
    assert backfill(schedule.pk, start=first, end=epoch + HOUR, now=NOW) == [epoch, epoch + HOUR]


def test_too_many_are_refused_as_a_whole(recorded: RecordingExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skip_and_backfill, "MOST", 2)
    schedule = hourly()
    with pytest.raises(InvalidRequest):
        backfill(schedule.pk, start=NOW - 3 * HOUR, end=NOW - HOUR, now=NOW)
    assert statuses(schedule) == []
    assert len(backfill(schedule.pk, start=NOW - 2 * HOUR, end=NOW - HOUR, now=NOW)) == 2


def test_a_dry_run_shows_them_and_stores_nothing(recorded: RecordingExecutor) -> None:
    schedule = hourly()
    with dry_run.tried():
        assert len(skip(schedule.pk, 3, now=NOW)) == 3
        assert len(backfill(schedule.pk, start=NOW - 2 * HOUR, end=NOW - HOUR, now=NOW)) == 2
    assert statuses(schedule) == []
    assert recorded.submitted == []


def test_a_schedule_that_is_not_there() -> None:
    with pytest.raises(NotFound):
        skip(999_999, 1, now=NOW)
