"""Which stretch of time a timeline shows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import QueryDict

from dashboard.timeline.window import WIDTH, clock_changes, window
from scheduling.timing.zones import zone
from tests.conftest import at

NOW = at("2026-11-20 10:30")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("", "2026-11-19 22:00", "2026-11-20 22:00"),
        ("span=week", "2026-11-16 00:00", "2026-11-23 00:00"),
        ("span=month", "2026-11-05 00:00", "2026-12-05 00:00"),
        ("span=century", "2026-11-19 22:00", "2026-11-20 22:00"),
        ("from=2026-03-01T05:40", "2026-03-01 05:00", "2026-03-02 05:00"),
        ("from=yesterday", "2026-11-19 22:00", "2026-11-20 22:00"),
        ("from=0001-01-01T00:00", "2026-11-19 22:00", "2026-11-20 22:00"),
    ],
)
def test_the_address_says_which(asked: str, start: str, end: str) -> None:
    shown = window(QueryDict(asked), NOW)
    assert (shown.start, shown.end) == (at(start), at(end))


def test_the_next_window_overlaps_this_one_by_half() -> None:
    shown = window(QueryDict("from=2026-03-01T00:00"), NOW)
    assert window(QueryDict(f"from={shown.later}"), NOW).start == shown.start + timedelta(hours=12)
    assert window(QueryDict(f"from={shown.earlier}"), NOW).start == shown.start - timedelta(hours=12)


def test_an_instant_outside_is_at_the_edge() -> None:
    shown = window(QueryDict(), NOW)
    places = [shown.x(shown.start + share * timedelta(hours=24)) for share in (-1, 0, 0.5, 1, 2)]
    assert places == [0, 0, WIDTH / 2, WIDTH, WIDTH]


@pytest.mark.parametrize("span", ["day", "week", "month"])
def test_ticks_are_inside_and_ascend(span: str) -> None:
    ticks = window(QueryDict(f"span={span}&from=2026-11-03T05:00"), NOW).ticks()
    assert [x for x, _ in ticks] == sorted({x for x, _ in ticks})
    assert 5 <= len(ticks) <= 9


def test_clock_changes_of_the_window_are_found() -> None:
    shown = window(QueryDict("span=week&from=2026-10-24T00:00"), NOW)
    found = clock_changes(shown, {zone("Europe/Berlin"), zone("UTC"), zone("America/New_York")})
    assert [(each.at, each.zone, each.forward) for each in found] == [(at("2026-10-25 01:00"), "Europe/Berlin", False)]
    assert not clock_changes(window(QueryDict("from=2026-06-01"), NOW), {zone("Europe/Berlin")})
