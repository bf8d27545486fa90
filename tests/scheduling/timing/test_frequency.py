"""How often a trigger fires, and how far apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings

from scheduling.timing.cron import Cron
from scheduling.timing.every import Every
from scheduling.timing.frequency import YEAR, frequency
from tests.scheduling.timing.strategies import night_expressions

NOW = datetime(2026, 11, 20, 10, 0, 30, tzinfo=UTC)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("expression", "zone", "per_year", "shortest", "longest"),
    [
        ("0 12 * * *", "UTC", 365, DAY, DAY),
        ("0 12 * * *", "Europe/Berlin", 365, 23 * HOUR, 25 * HOUR),
        ("*/40 * * * *", "UTC", 17_520, 20 * MINUTE, 40 * MINUTE),
        ("* * * * *", "UTC", 525_600, MINUTE, MINUTE),
        ("0 0 1 1 *", "UTC", 1, 365 * DAY, 365 * DAY),
        ("0 0 29 2 *", "UTC", 0, 1461 * DAY, 1461 * DAY),
        ("0 0 31 * *", "UTC", 7, 31 * DAY, 61 * DAY),
    ],
)
def test_an_expression_is_counted(
    expression: str, zone: str, per_year: int, shortest: timedelta, longest: timedelta
) -> None:
    found = frequency(Cron.parse(expression, zone), now=NOW)
    assert (found.per_year, found.shortest_gap, found.longest_gap) == (per_year, shortest, longest)
    assert found.per_day == round(per_year / 365, 3)


@settings(max_examples=25, deadline=None)
@given(night_expressions)
def test_counts_and_gaps_are_those_of_the_occurrences(expression: str) -> None:
    cron = Cron.parse(expression, "Europe/Berlin")
    times = list(cron.occurrences(NOW, NOW + YEAR))
    found = frequency(cron, now=NOW)
    assert found.per_year == len(times)
    if len(times) > 1:
        following = cron.next(times[-1])
        assert following is not None
        gaps = [after - before for before, after in pairwise([*times, following])]
        assert (found.shortest_gap, found.longest_gap) == (min(gaps), max(gaps))


@pytest.mark.parametrize("seconds", [1, 90, 7_200, 90_000, 366 * 86_400])
def test_an_interval_is_counted_without_walking_it(seconds: int) -> None:
    every = Every(seconds, NOW.replace(hour=3))
    found = frequency(every, now=NOW)
    assert found.shortest_gap == found.longest_gap == timedelta(seconds=seconds)
    if seconds > 60:
        assert found.per_year == len(list(every.occurrences(NOW, NOW + YEAR)))
    else:
        assert found.per_year == 31_536_000


def test_an_interval_that_has_not_begun_does_not_run_this_year() -> None:
    assert frequency(Every(60, (NOW + 2 * YEAR).replace(second=0)), now=NOW).per_year == 0
