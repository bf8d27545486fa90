"""Planned with one release of the time zone data, dispatched with another. Nobody waits for the true transition."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduling import dispatch, queries, schedules
from scheduling.lifecycle import Status
from scheduling.models import ReplannedSchedule, Schedule, SyncState, Task
from scheduling.processes import SILENT_AFTER
from scheduling.timing import tzdata_version
from scheduling.timing.zones import PINNED, ZoneFiles
from scheduling.upkeep import replanning
from scheduling.upkeep.sweep import sweep
from tests.conftest import a_schedule, at
from tests.process_rows import a_process
from tests.scheduling.timing.releases import OLD_VANCOUVER, a_release, use

pytestmark = pytest.mark.django_db

# 9:00 in Vancouver on 3 November 2026: with the old rules UTC-8, with the package's UTC-7.
OLD, TRUE = at("2026-11-03 17:00"), at("2026-11-03 16:00")
DAY = timedelta(days=1)
EVENING = at("2026-11-02 20:00")


@pytest.fixture
def old(tmp_path: Path) -> ZoneFiles:
    """The release 2025b."""
    return a_release(tmp_path, "2025b", OLD_VANCOUVER)


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch, old: ZoneFiles) -> Schedule:
    """Nine o'clock in Vancouver, planned with 2025b; this process has the package again."""
    use(monkeypatch, old)
    schedule = nine_o_clock()
    assert (schedule.next_due_at, schedule.tzdata) == (OLD, "2025b")
    use(monkeypatch, PINNED)
    return schedule


def nine_o_clock(**fields: Any) -> Schedule:
    return a_schedule(cron="0 9 * * *", timezone="America/Vancouver", now=EVENING, **fields)


def planned(schedule: Schedule) -> tuple[datetime | None, str]:
    schedule.refresh_from_db()
    return schedule.next_due_at, schedule.tzdata


def outcomes() -> list[tuple[datetime | None, str]]:
    return list(Task.objects.order_by("due_at").values_list("due_at", "status"))


def test_before_the_true_run_it_is_planned_anew_and_runs_in_time(stored: Schedule) -> None:
    sweep(now=TRUE - timedelta(hours=1))
    assert planned(stored) == (TRUE, tzdata_version())
    assert len(dispatch.dispatch_due("beat", now=TRUE)) == 1
    assert outcomes() == [(TRUE, Status.QUEUED)]
    assert planned(stored) == (TRUE + DAY, tzdata_version())


def test_after_the_true_run_what_was_never_due_is_not_caught_up(stored: Schedule) -> None:
    Schedule.objects.update(catch_up="all", overlap="queue")
    sweep(now=TRUE + timedelta(minutes=1))
    assert planned(stored) == (TRUE + DAY, tzdata_version())
    assert queries.next_occurrences(stored, count=1) == [TRUE + DAY]
    dispatch.dispatch_due("beat", now=OLD)
    assert outcomes() == []
    dispatch.dispatch_due("beat", now=TRUE + DAY)
    assert outcomes() == [(TRUE + DAY, Status.QUEUED)]


def test_a_change_of_something_else_catches_nothing_up_either(stored: Schedule) -> None:
    changed = schedules.update(stored.pk, now=TRUE + timedelta(minutes=1), name="another name")
    assert planned(changed) == (TRUE + DAY, tzdata_version())


def test_what_is_due_by_the_old_plan_runs_and_is_not_missed(stored: Schedule) -> None:
    sweep(now=OLD)
    assert planned(stored) == (OLD, "2025b")
    assert len(dispatch.dispatch_due("beat", now=OLD)) == 1
    assert outcomes() == [(OLD, Status.QUEUED)]
    assert planned(stored) == (TRUE + DAY, tzdata_version())


def test_a_wake_up_by_cron_keeps_to_the_plan_too(stored: Schedule) -> None:
    assert [task.due_at for task in dispatch.fire(stored.pk, now=OLD, woken_by="crontab")] == [OLD]


def test_after_an_outage_the_first_is_due_as_planned_and_the_others_by_the_new_data(stored: Schedule) -> None:
    Schedule.objects.update(catch_up="all", overlap="allow", catch_up_window=3 * DAY)
    dispatch.dispatch_due("beat", now=TRUE + 2 * DAY - timedelta(hours=1))
    assert outcomes() == [(OLD, Status.QUEUED), (TRUE + DAY, Status.QUEUED)]


def test_an_older_dispatcher_leaves_the_schedule_to_a_newer_one_that_is_alive(
    stored: Schedule, old: ZoneFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep(now=EVENING)
    newer = a_process("beat")
    use(monkeypatch, old)
    assert len(dispatch.dispatch_due("beat", now=TRUE)) == 0
    sweep(now=TRUE)
    assert planned(stored) == (TRUE, newer.tzdata)
    use(monkeypatch, PINNED)
    assert len(dispatch.dispatch_due("beat", now=TRUE)) == 1
    assert outcomes() == [(TRUE, Status.QUEUED)]


def test_when_both_dispatch_each_occurrence_is_one_task(
    stored: Schedule, old: ZoneFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep(now=EVENING)
    for day in range(3):
        use(monkeypatch, old)
        # No newer beat is alive by the table: the older one keeps to the plan, and plans the next with its own data.
        assert len(dispatch.dispatch_due("beat", now=TRUE + day * DAY)) == 1
        assert planned(stored) == (OLD + day * DAY, "2025b")
        use(monkeypatch, PINNED)
        sweep(now=TRUE + day * DAY + timedelta(seconds=2))
        assert planned(stored) == (TRUE + (day + 1) * DAY, tzdata_version())
    assert outcomes() == [
        (TRUE, Status.QUEUED),
        (TRUE + DAY, Status.SKIPPED),
        (TRUE + 2 * DAY, Status.SKIPPED),
    ]


@pytest.mark.parametrize("silent", [False, True])
def test_a_release_that_nobody_has_any_more_is_taken_back(
    stored: Schedule, old: ZoneFiles, monkeypatch: pytest.MonkeyPatch, silent: bool
) -> None:
    sweep(now=EVENING)
    a_process("web", silent_for=2 * SILENT_AFTER if silent else timedelta(0))
    use(monkeypatch, old)
    sweep(now=EVENING)
    assert planned(stored) == ((OLD, "2025b") if silent else (TRUE, PINNED.release))


def test_what_is_paused_or_an_interval_or_on_another_host_is_left_alone(
    old: ZoneFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, old)
    paused, elsewhere, interval = nine_o_clock(paused=True), nine_o_clock(), a_schedule(every=60, now=EVENING)
    Schedule.objects.filter(pk=elsewhere.pk).update(host="elsewhere")
    use(monkeypatch, PINNED)
    sweep(now=EVENING)
    assert planned(paused) == (None, "2025b")
    assert planned(elsewhere) == (OLD, "2025b")
    assert planned(interval)[1] == ""
    assert planned(schedules.resume(paused.pk, now=EVENING)) == (TRUE, tzdata_version())


def test_an_interval_is_never_planned_anew() -> None:
    interval = a_schedule(every=60, now=EVENING)
    replanning.plan_anew(now=EVENING + timedelta(seconds=1))
    interval.refresh_from_db()
    assert interval.cursor == EVENING


def test_what_had_no_run_left_by_the_old_data_may_get_one(old: ZoneFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, old)
    schedule = nine_o_clock(ends_at=TRUE)
    assert planned(schedule) == (None, "2025b")
    use(monkeypatch, PINNED)
    sweep(now=EVENING)
    assert planned(schedule) == (TRUE, tzdata_version())


def test_the_entries_of_what_moved_are_written_but_in_a_crontab(
    old: ZoneFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crontab is for the agent of its host to write."""
    use(monkeypatch, old)
    on_beat, in_crontab = nine_o_clock(), nine_o_clock(backend="crontab")
    Schedule.objects.update(sync_state=SyncState.PENDING)
    use(monkeypatch, PINNED)
    sweep(now=EVENING)
    states = dict(Schedule.objects.values_list("pk", "sync_state"))
    assert states == {on_beat.pk: SyncState.IN_SYNC, in_crontab.pk: SyncState.PENDING}
    assert planned(in_crontab) == (TRUE, tzdata_version())


def test_one_round_is_one_batch_and_the_soonest_come_first(old: ZoneFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, old)
    later, sooner = nine_o_clock(), a_schedule(cron="0 8 * * *", timezone="America/Vancouver", now=EVENING)
    use(monkeypatch, PINNED)
    monkeypatch.setattr(replanning, "BATCH", 1)
    sweep(now=EVENING)
    assert (planned(sooner)[1], planned(later)[1]) == (tzdata_version(), "2025b")
    sweep(now=EVENING)
    assert planned(later) == (TRUE, tzdata_version())


def test_what_moved_is_remembered_and_what_did_not_is_only_noted(
    stored: Schedule, old: ZoneFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, old)
    same = a_schedule(cron="*/5 * * * *", timezone="America/Vancouver", now=EVENING)
    use(monkeypatch, PINNED)
    sweep(now=EVENING)
    [moved] = ReplannedSchedule.objects.all()
    assert (moved.schedule_id, moved.due_before, moved.due_after) == (stored.pk, OLD, TRUE)
    assert (moved.tzdata_before, moved.tzdata_after, moved.at) == ("2025b", tzdata_version(), EVENING)
    assert planned(same) == (EVENING + timedelta(minutes=5), tzdata_version())


def test_only_the_newest_moves_are_kept(stored: Schedule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replanning, "MOST_REMEMBERED", 2)
    for day in range(4):
        Schedule.objects.update(next_due_at=OLD + day * DAY, tzdata="2025b")
        sweep(now=EVENING + day * DAY)
    assert list(ReplannedSchedule.objects.order_by("at").values_list("due_before", flat=True)) == [
        OLD + 2 * DAY,
        OLD + 3 * DAY,
    ]


def test_a_schedule_whose_zone_this_release_lacks_keeps_its_plan_until_it_is_due(
    old: ZoneFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = nine_o_clock()
    use(monkeypatch, a_release(tmp_path / "without", "2099a", {}))
    sweep(now=EVENING)
    assert planned(schedule) == (TRUE, "2099a")
    dispatch.dispatch_due("beat", now=TRUE)
    assert planned(schedule) == (None, "2099a")
    assert Schedule.objects.get().sync_error
