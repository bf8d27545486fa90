"""Times and durations as people read them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dashboard.readable import LOOKS, duration, relative
from scheduling.lifecycle import Status
from tests.conftest import at

NOW = at("2026-11-20 10:00")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"), (0.0844, "84 ms"), (3.21, "3.2 s"), (59, "59 s"), (60, "1 min"), (250, "4 min 10 s"),
        (3600, "1 h"), (7505, "2 h 5 min"), (86_400, "1 d"), (100_000, "1 d 3 h"), (-5, "0 ms"),
    ],
)  # fmt: skip
def test_a_duration_has_at_most_two_units(seconds: float, text: str) -> None:
    assert duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "now"), (5, "in 5 s"), (-5, "5 s ago"), (90, "in 2 min"), (-7200, "2 h ago"), (86_400, "in 24 h"),
        (3 * 86_400, "in 3 d"),
    ],
)  # fmt: skip
def test_a_distance_has_one_unit(seconds: float, text: str) -> None:
    assert relative(NOW + timedelta(seconds=seconds), NOW) == text


def test_every_status_has_a_look_of_its_own() -> None:
    assert set(LOOKS) == set(Status)
    assert len({(look.tone, look.icon) for look in LOOKS.values()}) == len(Status)
    assert len({look.word for look in LOOKS.values()}) == len(Status)
