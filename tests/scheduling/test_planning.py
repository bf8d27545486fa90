"""Decisions about occurrences, as tables. No database, no clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models import Schedule
from scheduling.planning import CAUGHT_UP_MOST, RECORDED_MOST, Decision, Policy, next_due, plan, unrecorded_until
from scheduling.timing import Cron, Every
from tests.conftest import at

EVERY_MINUTE = Cron.parse("* * * * *")
DAILY = Cron.parse("0 3 * * *")


def decided(made: object) -> list[tuple[str, str]]:
    """The decisions as (minute, status)."""
    return [(f"{found.due_at:%H:%M}", str(found.status)) for found in made.decisions]  # type: ignore[attr-defined]


def test_nothing_is_due_before_its_time() -> None:
    made = plan(DAILY, at("2026-11-20 03:00"), at("2026-11-21 02:59:59"), Policy())
    assert made.decisions == ()
    assert made.cursor == at("2026-11-20 03:00")
    assert made.next_due_at == at("2026-11-21 03:00")


def test_a_schedule_that_says_nothing_has_the_policy_that_says_nothing() -> None:
    said = Policy("skip", "none", catch_up_window=timedelta(hours=24), grace=timedelta(minutes=5))
    assert Schedule().policy == Policy() == said


def test_where_nothing_is_due_nothing_is_replaced_and_what_runs_needs_no_reason() -> None:
    nothing = plan(DAILY, at("2026-11-20 03:00"), at("2026-11-20 04:00"), Policy(overlap="replace"), open_tasks=1)
    assert not nothing.replace
    [decision] = plan(DAILY, at("2026-11-20 03:00"), at("2026-11-21 03:00"), Policy()).decisions
    assert decision.reason == ""


def test_an_occurrence_is_due_at_its_very_second() -> None:
    made = plan(DAILY, at("2026-11-20 03:00"), at("2026-11-21 03:00"), Policy())
    assert decided(made) == [("03:00", "QUEUED")]
    assert made.cursor == at("2026-11-21 03:00")
    assert made.next_due_at == at("2026-11-22 03:00")


LATE = [
    # catch_up, minutes late, window in minutes, status
    ("none", 5, 60, "QUEUED"),
    ("none", 6, 60, "MISSED"),
    ("latest", 6, 60, "QUEUED"),
    ("latest", 60, 60, "QUEUED"),
    ("latest", 61, 60, "MISSED"),
    ("all", 60, 60, "QUEUED"),
    ("all", 61, 60, "MISSED"),
    ("latest", 4, 0, "QUEUED"),
]


@pytest.mark.parametrize(("catch_up", "late", "window", "status"), LATE)
def test_one_late_occurrence(catch_up: str, late: int, window: int, status: str) -> None:
    policy = Policy(catch_up=catch_up, catch_up_window=timedelta(minutes=window), overlap="allow")
    due_at = at("2026-11-21 03:00")
    made = plan(DAILY, due_at - timedelta(days=1), due_at + timedelta(minutes=late), policy)
    assert decided(made) == [("03:00", status)]


def test_the_newest_is_run_within_its_grace_however_narrow_the_window() -> None:
    policy = Policy(catch_up="all", catch_up_window=timedelta(minutes=1), overlap="allow")
    made = plan(EVERY_MINUTE, at("2026-11-20 10:00"), at("2026-11-20 10:07:30"), policy)
    assert decided(made) == [
        ("10:01", "MISSED"), ("10:02", "MISSED"),
        # Late, and within the grace, which is wider than the window.
        ("10:03", "QUEUED"), ("10:04", "QUEUED"), ("10:05", "QUEUED"), ("10:06", "QUEUED"), ("10:07", "QUEUED"),
    ]  # fmt: skip
    assert made.decisions[1].reason == "0:05:30 late, beyond the catch_up_window of 0:01:00"


WIDE = [
    # catch_up, window, grace in days; status of what is three days late
    ("all", 4, 0, "QUEUED"),
    ("latest", 4, 0, "QUEUED"),
    ("none", 4, 0, "MISSED"),
    ("none", 0, 4, "QUEUED"),
    ("all", 0, 4, "QUEUED"),
    ("all", 2, 2, "MISSED"),
]


@pytest.mark.parametrize(("catch_up", "window", "grace", "status"), WIDE)
def test_as_far_back_as_the_policy_reaches_occurrences_are_found(
    catch_up: str, window: int, grace: int, status: str
) -> None:
    policy = Policy(catch_up=catch_up, catch_up_window=timedelta(days=window), grace=timedelta(days=grace))
    yearly = Cron.parse("0 0 1 1 *")
    made = plan(yearly, at("2025-06-01 00:00"), at("2026-01-04 00:00"), policy)
    assert decided(made) == [("00:00", status)]


ROWS = [
    # catch_up, window, grace in days; how many of the hourly occurrences of ten days have a row of their own
    ("none", 5, 0, 25),
    ("latest", 5, 0, 121),
    ("latest", 0, 0, 25),
    ("none", 0, 3, 73),
    ("all", 9, 0, 217),
]


@pytest.mark.parametrize(("catch_up", "window", "grace", "rows"), ROWS)
def test_what_may_still_run_and_the_last_day_have_rows_of_their_own(
    catch_up: str, window: int, grace: int, rows: int
) -> None:
    policy = Policy(
        catch_up=catch_up, catch_up_window=timedelta(days=window), grace=timedelta(days=grace), overlap="allow"
    )
    made = plan(Cron.parse("0 * * * *"), at("2026-11-10 10:00"), at("2026-11-20 10:00"), policy)
    first, *others = made.decisions
    assert first.reason.startswith("missed, like all occurrences before ")
    assert len(others) == rows


SEVERAL = [
    ("none", "allow", ["MISSED", "MISSED", "QUEUED"]),
    ("latest", "allow", ["MISSED", "MISSED", "QUEUED"]),
    ("all", "allow", ["QUEUED", "QUEUED", "QUEUED"]),
    ("all", "queue", ["QUEUED", "SCHEDULED", "SCHEDULED"]),
    ("all", "skip", ["QUEUED", "SKIPPED", "SKIPPED"]),
    ("all", "replace", ["SKIPPED", "SKIPPED", "QUEUED"]),
]


@pytest.mark.parametrize(("catch_up", "overlap", "statuses"), SEVERAL)
def test_three_occurrences_at_once(catch_up: str, overlap: str, statuses: list[str]) -> None:
    policy = Policy(catch_up=catch_up, overlap=overlap)
    made = plan(EVERY_MINUTE, at("2026-11-20 10:00"), at("2026-11-20 10:03:30"), policy)
    assert decided(made) == list(zip(["10:01", "10:02", "10:03"], statuses, strict=True))


OVERLAPS = [
    ("skip", "SKIPPED", False),
    ("queue", "SCHEDULED", False),
    ("replace", "QUEUED", True),
    ("allow", "QUEUED", False),
]


@pytest.mark.parametrize(("overlap", "status", "replace"), OVERLAPS)
def test_an_earlier_task_is_still_open(overlap: str, status: str, replace: bool) -> None:
    made = plan(EVERY_MINUTE, at("2026-11-20 10:00"), at("2026-11-20 10:01"), Policy(overlap=overlap), open_tasks=1)
    assert decided(made) == [("10:01", status)]
    assert made.replace is replace


def test_replace_replaces_nothing_where_nothing_is_open() -> None:
    made = plan(EVERY_MINUTE, at("2026-11-20 10:00"), at("2026-11-20 10:01"), Policy(overlap="replace"))
    assert not made.replace


def test_what_policy_does_not_run_says_why() -> None:
    made = plan(DAILY, at("2026-11-20 03:00"), at("2026-11-21 05:00"), Policy())
    assert made.decisions[0].reason == "2:00:00 late, beyond the grace of 0:05:00, and catch_up is none"
    made = plan(EVERY_MINUTE, at("2026-11-20 10:00"), at("2026-11-20 10:01"), Policy(), open_tasks=1)
    assert made.decisions[0].reason == "an earlier task of this schedule is still open, and overlap is skip"


def test_start_and_end_are_included_and_nothing_lies_outside() -> None:
    policy = Policy(starts_at=at("2026-11-20 10:02"), ends_at=at("2026-11-20 10:04"), catch_up="all", overlap="allow")
    made = plan(EVERY_MINUTE, at("2026-11-20 09:00"), at("2026-11-20 10:30"), policy)
    assert [minute for minute, _ in decided(made)] == ["10:02", "10:03", "10:04"]
    assert made.next_due_at is None


def test_the_end_may_lie_between_two_occurrences() -> None:
    policy = Policy(ends_at=at("2026-11-21 02:59"))
    assert next_due(DAILY, at("2026-11-20 03:00"), policy) is None
    policy = Policy(ends_at=at("2026-11-21 03:00"))
    assert next_due(DAILY, at("2026-11-20 03:00"), policy) == at("2026-11-21 03:00")


def test_the_last_occurrence_runs_and_none_follows() -> None:
    made = plan(DAILY, at("2026-11-20 03:00"), at("2026-11-21 03:00"), Policy(ends_at=at("2026-11-21 03:00")))
    assert (decided(made), made.next_due_at) == ([("03:00", "QUEUED")], None)


def test_with_a_reason_to_skip_nothing_runs_however_late() -> None:
    made = plan(EVERY_MINUTE, at("2026-11-20 10:00"), at("2026-11-20 10:02"), Policy(), skip_because="paused")
    assert [(one.status, one.reason) for one in made.decisions] == [("SKIPPED", "paused")] * 2


def test_a_long_outage_leaves_a_bounded_number_of_rows() -> None:
    made = plan(EVERY_MINUTE, at("2025-11-20 10:00"), at("2026-11-20 10:00"), Policy())
    assert len(made.decisions) == RECORDED_MOST + 1
    assert made.decisions[0].due_at == at("2025-11-20 10:01")
    assert "like all occurrences before 2026-11-20 06:41:00 UTC" in made.decisions[0].reason
    assert [str(found.status) for found in made.decisions[-2:]] == ["MISSED", "QUEUED"]
    assert made.cursor == at("2026-11-20 10:00")
    rarer = plan(Every(360, at("2026-11-01 00:00")), at("2026-11-10 10:00"), at("2026-11-20 10:00"), Policy())
    assert len(rarer.decisions) == RECORDED_MOST + 1


def test_a_row_that_stands_for_many_says_up_to_when() -> None:
    made = plan(EVERY_MINUTE, at("2026-11-10 00:00"), at("2026-11-20 10:00"), Policy())
    first, second, *_ = made.decisions
    assert unrecorded_until(first.reason) == second.due_at
    assert unrecorded_until(second.reason) is None


def test_catching_up_all_of_a_long_outage_is_bounded_too() -> None:
    policy = Policy(catch_up="all", overlap="allow", catch_up_window=timedelta(days=30))
    made = plan(EVERY_MINUTE, at("2026-10-30 10:00"), at("2026-11-20 10:00"), policy)
    assert sum(found.status == "QUEUED" for found in made.decisions) == CAUGHT_UP_MOST


def test_an_outage_longer_than_a_day_of_a_rare_schedule_is_one_row() -> None:
    made = plan(Cron.parse("0 0 1 1 *"), at("2025-06-01 00:00"), at("2026-06-01 00:00"), Policy())
    assert [(found.due_at, str(found.status)) for found in made.decisions] == [(at("2026-01-01 00:00"), "MISSED")]


def test_a_clock_that_goes_back_decides_nothing_twice() -> None:
    first = plan(EVERY_MINUTE, at("2026-11-20 10:00"), at("2026-11-20 10:05"), Policy())
    again = plan(EVERY_MINUTE, first.cursor, at("2026-11-20 10:03"), Policy())
    assert again.decisions == ()
    assert again.cursor == first.cursor


instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 2)).map(lambda found: at(found.isoformat()))  # noqa: DTZ001 - made aware by at()


@given(
    start=instants,
    steps=st.lists(st.integers(0, 7200), min_size=1, max_size=8),
    seconds=st.integers(30, 900),
    catch_up=st.sampled_from(["none", "latest", "all"]),
    overlap=st.sampled_from(["skip", "queue", "replace", "allow"]),
)
def test_every_occurrence_is_decided_exactly_once_however_often_we_wake(
    start: datetime, steps: list[int], seconds: int, catch_up: str, overlap: str
) -> None:
    trigger = Every(seconds, start.replace(microsecond=0))
    policy = Policy(catch_up=catch_up, overlap=overlap)
    cursor = now = start
    seen: list[datetime] = []
    for step in steps:
        now += timedelta(seconds=step)
        made = plan(trigger, cursor, now, policy)
        seen += [found.due_at for found in made.decisions]
        cursor = made.cursor
    expected = list(trigger.occurrences(start, now))
    assert sorted(set(seen)) == seen
    assert set(seen) <= set(expected)
    if max(steps, default=0) / seconds < RECORDED_MOST:
        assert seen == expected


@pytest.mark.parametrize("overlap", ["allow", "skip", "queue", "replace"])
@pytest.mark.parametrize("catch_up", ["none", "latest", "all"])
@pytest.mark.parametrize("most", [1, 7, 60])
def test_decided_in_parts_it_is_what_it_is_decided_whole(catch_up: str, overlap: str, most: int) -> None:
    policy = Policy(overlap=overlap, catch_up=catch_up, catch_up_window=timedelta(hours=1))
    cursor, now = at("2026-11-20 08:00"), at("2026-11-20 10:00")
    whole = plan(EVERY_MINUTE, cursor, now, policy)
    decisions: list[Decision] = []
    replace, open_tasks = False, 0
    while True:
        part = plan(EVERY_MINUTE, cursor, now, policy, open_tasks=open_tasks, most=most)
        assert len(part.decisions) <= most
        decisions += part.decisions
        open_tasks = sum(one.status in {"QUEUED", "SCHEDULED"} for one in decisions)
        cursor, replace = part.cursor, replace or part.replace
        if part.next_due_at is None or part.next_due_at > now:
            break
    assert tuple(decisions) == whole.decisions
    assert (cursor, part.next_due_at, replace) == (whole.cursor, whole.next_due_at, whole.replace)


def test_a_window_of_years_of_seconds_is_not_read_from_its_begin() -> None:
    class Counted:
        asked = 0

        def next(self, after: datetime) -> datetime | None:
            return Every(1, anchor=at("2000-01-01 00:00")).next(after)

        def occurrences(self, after: datetime, until: datetime) -> Iterator[datetime]:
            for found in Every(1, anchor=at("2000-01-01 00:00")).occurrences(after, until):
                Counted.asked += 1
                yield found

    policy = Policy(catch_up="all", catch_up_window=timedelta(days=3650), overlap="allow")
    made = plan(cast("Any", Counted()), at("2020-01-01 00:00"), at("2026-11-20 10:00"), policy)
    assert len(made.decisions) == CAUGHT_UP_MOST + 1
    assert Counted.asked < 8 * CAUGHT_UP_MOST
