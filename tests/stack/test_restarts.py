"""When a process that ended is started again."""

from __future__ import annotations

import pytest

from stack.restarts import pause_before_restart


@pytest.mark.parametrize(
    ("deaths", "pause"),
    [([100.0], 0.5), ([99.0, 100.0], 1.0), ([98.0, 99.0, 100.0], 2.0), ([97.0, 98.0, 99.0, 100.0], 4.0)],
)
def test_each_further_death_within_a_minute_doubles_the_pause(deaths: list[float], pause: float) -> None:
    assert pause_before_restart(deaths, now=100.0) == pause


def test_the_fifth_death_within_a_minute_is_the_last() -> None:
    assert pause_before_restart([60.0, 70.0, 80.0, 90.0, 100.0], now=100.0) is None


def test_deaths_of_more_than_a_minute_ago_are_forgotten() -> None:
    assert pause_before_restart([10.0, 20.0, 30.0, 40.0, 100.0], now=100.0) == 0.5


def test_five_deaths_whose_first_is_a_minute_old_are_not_too_many() -> None:
    assert pause_before_restart([40.0, 70.0, 80.0, 90.0, 100.0], now=100.0) == 4.0
