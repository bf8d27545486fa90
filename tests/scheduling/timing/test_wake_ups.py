"""How many wake-ups the lines of a trigger cost."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from statistics import median, quantiles

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.errors import InvalidTrigger
from scheduling.timing import Cron, Every, known_zones
from scheduling.timing.crontab_expressions import crontab_expressions
from scheduling.timing.wake_ups import WakeUps, wake_ups
from scheduling.timing.zones import zone as zone_named
from tests.scheduling.timing.cron_loop import table_fires
from tests.scheduling.timing.strategies import moments, night_expressions, zones

DAY = date(2026, 11, 21)
ANCHOR = datetime(2026, 11, 20, 10, tzinfo=UTC)


def of_cron(expression: str, zone: str, host: str) -> WakeUps:
    return wake_ups(Cron.parse(expression, zone), zone_named(host), day=DAY)


@pytest.mark.parametrize(
    ("expression", "zone", "host", "runs", "wasted"),
    [
        ("0 9 * * *", "Europe/Berlin", "Europe/Berlin", 365, 0),
        ("0 9 * * *", "Europe/Berlin", "UTC", 365, 0),
        ("0 0 1 1 *", "America/New_York", "Asia/Kolkata", 1, 0),
        ("* * * * *", "UTC", "Europe/Berlin", 525_600, 0),
        # The line of the repeated hour has `*` in its minute, and wakes us four times for one run.
        ("30 1 * * *", "UTC", "Europe/Berlin", 365, 4),
        # The lines of November have the weekdays of two years.
        ("0 9 * * 1-5", "America/New_York", "UTC", 260, 9),
    ],
)
def test_the_wake_ups_of_a_year(expression: str, zone: str, host: str, runs: int, wasted: int) -> None:
    found = of_cron(expression, zone, host)
    assert (found.runs, found.wasted) == (runs, wasted)


@pytest.mark.parametrize(("minutes", "runs", "wasted"), [(60, 8760, 0), (61, 71, 0), (7, 75_086, 450_514)])
def test_the_wake_ups_of_an_interval(minutes: int, runs: int, wasted: int) -> None:
    found = wake_ups(Every(60 * minutes, ANCHOR), zone_named("UTC"), day=DAY)
    assert (found.runs, found.wasted) == (runs, wasted)


@settings(max_examples=60, deadline=None)
@given(expression=night_expressions, zone=zones, start=moments, days=st.integers(0, 40))
def test_occurrences_are_counted_as_they_are_listed(expression: str, zone: str, start: datetime, days: int) -> None:
    cron, end = Cron.parse(expression, zone), start + timedelta(days=days)
    assert cron.count(start, end) == sum(1 for _ in cron.occurrences(start, end))


def test_wake_ups_are_those_of_crons_own_loop() -> None:
    found = of_cron("30 2 * * 0", "Africa/Casablanca", "Australia/Lord_Howe")
    lines = crontab_expressions(
        Cron.parse("30 2 * * 0", "Africa/Casablanca"), zone_named("Australia/Lord_Howe"), day=DAY
    ).expressions
    start = datetime(2026, 11, 21, tzinfo=UTC)
    looped = sum(len(table_fires([line], zone_named("Australia/Lord_Howe"), start, 365)) for line in lines)
    assert found.wake_ups == looped


def random_field(chosen: random.Random, low: int, high: int, *, any_value: float) -> str:
    forms = [
        "*",
        f"*/{chosen.randint(2, high)}",
        str(chosen.randint(low, high)),
        "-".join(map(str, sorted(chosen.sample(range(low, high + 1), 2)))),
        ",".join(map(str, sorted(chosen.sample(range(low, high + 1), 3)))),
    ]
    return "*" if chosen.random() < any_value else chosen.choice(forms)


def random_cron(chosen: random.Random, zone: str) -> Cron | None:
    bounds = ((0, 59, 0.1), (0, 23, 0.2), (1, 31, 0.6), (1, 12, 0.7), (0, 6, 0.6))
    try:
        return Cron.parse(
            " ".join(random_field(chosen, low, high, any_value=often) for low, high, often in bounds), zone
        )
    except InvalidTrigger:
        return None  # 30 February


def test_wasted_wake_ups_are_bounded_over_random_expressions_and_zones() -> None:
    chosen = random.Random(20261121)  # noqa: S311  the same expressions each time
    names = sorted(known_zones())
    each_run: list[float] = []
    while len(each_run) < 400:
        cron = random_cron(chosen, chosen.choice(names))
        found = cron and wake_ups(cron, zone_named(chosen.choice(names)), day=DAY)
        if found and found.runs:
            each_run.append(found.wake_ups / found.runs)
    assert median(each_run) == 1
    assert quantiles(each_run, n=100)[98] < 10
    assert min(each_run) >= 1
