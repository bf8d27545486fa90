from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InvalidTrigger
from scheduling.timing import Every
from tests.scheduling.timing.strategies import moments

ANCHOR = datetime(2026, 11, 20, 10, 0, 30, tzinfo=UTC)
whole_moments = moments.map(lambda moment: moment.replace(microsecond=0))


def test_it_fires_at_the_anchor_and_at_the_rate_from_there() -> None:
    every = Every(90, ANCHOR)
    before = ANCHOR - timedelta(days=400)
    assert list(islice(every.occurrences(before), 3)) == [ANCHOR + timedelta(seconds=90 * k) for k in range(3)]
    assert every.next(ANCHOR) == ANCHOR + timedelta(seconds=90)
    assert every.next(ANCHOR - timedelta(microseconds=1)) == ANCHOR
    assert list(every.occurrences(ANCHOR, ANCHOR + timedelta(seconds=90))) == [ANCHOR + timedelta(seconds=90)]
    assert list(every.occurrences(ANCHOR, ANCHOR + timedelta(seconds=89, microseconds=999_999))) == []


@given(seconds=st.integers(1, 10**8), anchor=whole_moments, after=moments)
def test_each_occurrence_is_the_anchor_and_whole_turns(seconds: int, anchor: datetime, after: datetime) -> None:
    due = list(islice(Every(seconds, anchor).occurrences(after), 3))
    assert all((moment - anchor) % timedelta(seconds=seconds) == timedelta(0) for moment in due)
    assert due[0] == anchor or due[0] - after <= timedelta(seconds=seconds)
    assert min(due) > after
    assert Every(seconds, anchor).next(due[0] - timedelta(microseconds=1)) == due[0]


@given(every=st.integers(1, 10**6), anchor=whole_moments, after=moments, span=st.integers(-9, 10**7))
def test_the_count_is_that_of_the_occurrences(every: int, anchor: datetime, after: datetime, span: int) -> None:
    trigger = Every(every, anchor)
    until = after + timedelta(seconds=min(span, 100 * every))
    assert trigger.count(after, until) == len(list(trigger.occurrences(after, until)))


def test_a_century_of_seconds_is_not_walked_through() -> None:
    every = Every(1, datetime(1, 1, 1, tzinfo=UTC))
    assert every.next(datetime(9000, 1, 1, tzinfo=UTC)) == datetime(9000, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_no_error_at_the_last_date_of_the_calendar() -> None:
    last = datetime.max.replace(tzinfo=UTC)
    assert Every(3600, ANCHOR).next(last) is None
    assert Every(10**30, ANCHOR).next(ANCHOR) is None
    assert len(list(Every(3600, ANCHOR).occurrences(last - timedelta(hours=5)))) == 5


def test_the_anchor_is_kept_in_utc() -> None:
    elsewhere = ANCHOR.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert Every(60, elsewhere) == Every(60, ANCHOR)
    assert Every(60, elsewhere).anchor.tzinfo is UTC


@pytest.mark.parametrize("seconds", [0, -1, True, 1.5, "60", None])
def test_a_rate_that_is_no_whole_number_of_seconds_is_refused(seconds: object) -> None:
    with pytest.raises(InvalidTrigger) as refused:
        Every(seconds, ANCHOR)  # type: ignore[arg-type]  # a wrong type: the point of the test
    assert refused.value.field == "seconds"


@pytest.mark.parametrize(
    "anchor",
    [
        ANCHOR.replace(tzinfo=None),
        ANCHOR.replace(microsecond=1),
        datetime.max.replace(microsecond=0, tzinfo=timezone(timedelta(hours=-1))),
        "2026-11-20",
        None,
    ],
)
def test_a_bad_anchor_is_refused(anchor: object) -> None:
    with pytest.raises(InvalidTrigger) as refused:
        Every(60, anchor)  # type: ignore[arg-type]  # a wrong type: the point of the test
    assert refused.value.field == "anchor"


def test_naive_datetimes_are_a_programming_error() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Every(60, ANCHOR).next(ANCHOR.replace(tzinfo=None))
