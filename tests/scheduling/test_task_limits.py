"""Limits of tasks: what may be written, and how starts are counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.task_limits import Limit, read
from tests.conftest import at

NOON = at("2026-11-20 12:00")


def test_what_is_written_is_read() -> None:
    found = read({"job:reports.daily": {"concurrency": 2, "rate": "10/m", "burst": 1}, "key:*": {"concurrency": 1}})
    assert found == {"job:reports.daily": Limit(2, "10/m", 1), "key:*": Limit(1)}
    assert str(found["job:reports.daily"]) == "2 at once and 10/m, 1 at once after a pause"


@pytest.mark.parametrize(
    ("given_limits", "said"),
    [
        ([], "write {"),
        ({"reports.daily": {"concurrency": 1}}, "'reports.daily' is no target: write job:NAME"),
        ({"job:*": {"concurrency": 1}}, "is no target"),
        ({"job:a'b": {"concurrency": 1}}, "is no target"),
        ({"key:": {"concurrency": 1}}, "is no target"),
        ({1: {"concurrency": 1}}, "is no target"),
        ({"job:a": 2}, "job:a: write an object with some of concurrency, rate, burst"),
        ({"job:a": {"concurency": 2}}, "job:a: write an object"),
        ({"job:a": {}}, "job:a: give it a concurrency, a rate, or both"),
        ({"job:a": {"concurrency": 0}}, "job:a: write a whole number from 1 to 1000000 as its concurrency"),
        ({"job:a": {"concurrency": True}}, "as its concurrency"),
        ({"job:a": {"concurrency": "2"}}, "as its concurrency"),
        ({"job:a": {"rate": "0/m"}}, "write its rate like 10/m"),
        ({"job:a": {"rate": "10/w"}}, "write its rate like 10/m"),
        ({"job:a": {"rate": 10}}, "write its rate like 10/m"),
        ({"job:a": {"rate": "1/s", "burst": 0}}, "as its burst"),
        ({"job:a": {"concurrency": 1, "burst": 2}}, "give it a rate, too"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_write(given_limits: Any, said: str) -> None:
    with pytest.raises(ValueError, match=r"write|give") as caught:
        read(given_limits)
    assert said in str(caught.value)


def test_ten_a_minute_are_ten_at_once_and_then_one_every_six_seconds() -> None:
    limit, full = Limit(rate="10/m"), None
    for left in range(10, 0, -1):
        assert limit.starts_left(full, NOON) == left
        full = limit.after_start(full, NOON)
    assert limit.starts_left(full, NOON) == 0
    assert limit.next_start(full, NOON, reserved=0) == NOON + timedelta(seconds=6)
    assert limit.next_start(full, NOON, reserved=2) == NOON + timedelta(seconds=18)
    assert limit.starts_left(full, NOON + timedelta(seconds=6)) == 1
    assert limit.starts_left(full, NOON + timedelta(hours=1)) == 10


def test_a_burst_of_one_spreads_the_starts() -> None:
    limit = Limit(rate="10/m", burst=1)
    full = limit.after_start(None, NOON)
    assert (limit.starts_left(None, NOON), limit.starts_left(full, NOON)) == (1, 0)
    assert limit.next_start(full, NOON, reserved=0) == NOON + timedelta(seconds=6)


@given(
    st.integers(1, 50), st.sampled_from("smhd"), st.none() | st.integers(1, 50),
    st.lists(st.integers(0, 10**9), max_size=60), st.integers(0, 3),
)  # fmt: skip
def test_no_more_start_than_the_bucket_holds_and_time_fills(
    starts: int, unit: str, burst: int | None, pauses: list[int], reserved: int
) -> None:
    limit, full, now, begun = Limit(rate=f"{starts}/{unit}", burst=burst), None, NOON, 0
    for pause in pauses:
        now += timedelta(microseconds=pause)
        if limit.starts_left(full, now) > 0:
            full, begun = limit.after_start(full, now), begun + 1
        assert begun <= limit.at_once + (now - NOON) / limit.interval
        # When one more may start, it may.
        if limit.at_once > reserved:
            then = limit.next_start(full, now, reserved=reserved)
            assert then >= now
            assert limit.starts_left(full, then) > reserved
