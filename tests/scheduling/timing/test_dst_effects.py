"""Which clock changes affect an expression, and how. The results are compared with the engine."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.timing.cron import Cron
from scheduling.timing.dst_effects import Effect, clock_changes
from scheduling.timing.zones import zone as zone_named
from tests.scheduling.timing.strategies import night_expressions

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
SPRING, AUTUMN = date(2027, 3, 28), date(2027, 10, 31)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("30 2 * * *", [(SPRING, Effect.LATE, 1), (AUTUMN, Effect.FIRST_ONLY, 1)]),
        ("*/15 2 * * *", [(SPRING, Effect.SKIPPED, 4), (AUTUMN, Effect.TWICE, 4)]),
        ("0,30 2 * * *", [(SPRING, Effect.LATE, 2), (AUTUMN, Effect.FIRST_ONLY, 2)]),
        ("0 0-23 * * *", [(SPRING, Effect.LATE, 1), (AUTUMN, Effect.FIRST_ONLY, 1)]),
        ("30 2 * * 0", [(SPRING, Effect.LATE, 1), (AUTUMN, Effect.FIRST_ONLY, 1)]),
        ("30 2 28 3 *", [(SPRING, Effect.LATE, 1)]),
        ("30 2 * * 1-6", []),
        ("30 3 * * *", []),
        ("*/5 * * * *", []),
        ("0 * * * *", []),
    ],
)
def test_berlin_in_the_year_ahead(expression: str, expected: list[tuple[date, Effect, int]]) -> None:
    found = clock_changes(Cron.parse(expression, "Europe/Berlin"), now=NOW)
    assert [(change.day, change.effect, change.runs) for change in found] == expected
    assert all((change.begins, change.ends) == ("02:00", "03:00") for change in found)


def test_half_an_hour_is_a_clock_change_too() -> None:
    [change] = clock_changes(Cron.parse("45 1 * * *", "Australia/Lord_Howe"), now=NOW)
    assert (change.day, change.begins, change.ends, change.effect) == (
        date(2027, 4, 4),
        "01:30",
        "02:00",
        Effect.FIRST_ONLY,
    )
    assert change.at == datetime(2027, 4, 3, 15, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "Asia/Tokyo"])
def test_a_zone_without_clock_changes_has_no_effects(zone: str) -> None:
    assert clock_changes(Cron.parse("30 2 * * *", zone), now=NOW) == []


@settings(max_examples=150, deadline=None)
@given(night_expressions, st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo"]))
def test_the_told_effects_are_those_of_the_engine(expression: str, name: str) -> None:
    cron, zone = Cron.parse(expression, name), zone_named(name)
    found = clock_changes(cron, now=NOW)
    for change in found:
        span = timedelta(hours=3)
        fired = list(cron.occurrences(change.at - span, change.at + span))
        shown = [at.astimezone(zone) for at in fired]
        begins, ends = (time.fromisoformat(text) for text in (change.begins, change.ends))
        first = datetime.combine(change.day, begins)
        last = datetime.combine(change.day + timedelta(days=ends <= begins), ends)
        inside = [at for at in shown if first <= at.replace(tzinfo=None) < last]
        match change.effect:
            case Effect.SKIPPED:
                assert not inside
            case Effect.LATE:
                assert not inside
                assert change.at in fired
            case Effect.TWICE:
                assert len(inside) == 2 * change.runs
            case Effect.FIRST_ONLY:
                assert len(inside) == change.runs
                assert all(at.fold == 0 for at in inside)
