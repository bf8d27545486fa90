"""The lines of a crontab: what they say, and that none of the occurrences is without a wake-up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.timing import Cron, Every
from scheduling.timing.crontab_expressions import INTERVAL_DAYS, crontab_expressions
from scheduling.timing.grammar import ITEM
from scheduling.timing.wake_times import needs_dates
from scheduling.timing.zones import zone as zone_named
from tests.scheduling.timing.cron_loop import Entry, changes, local_clock, table_fires
from tests.scheduling.timing.strategies import expressions, night_expressions, zones

DAY = date(2026, 11, 21)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
THIRTEEN_MONTHS = 396
ODD_ZONES = [
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Scoresbysund",
    "Europe/Dublin",
    "Asia/Tehran",
    "Pacific/Apia",
]
# A run each minute for 13 months takes too long to list. These are looked at where clocks change.
MOST_LISTED = 20_000
clock_zones = st.one_of(st.sampled_from([*ODD_ZONES, "UTC", "Europe/Berlin", "America/New_York"]), zones)
days = st.dates(date(2015, 1, 1), date(2030, 1, 1))


def of(expression: str, zone: str, host: str, day: date = DAY, *, debian: bool = True) -> tuple[str, ...]:
    return crontab_expressions(Cron.parse(expression, zone), zone_named(host), day=day, debian=debian).expressions


def start_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def lost(trigger: Cron | Every, lines: tuple[str, ...], host: str, start: datetime, length: int) -> list[datetime]:
    """The occurrences in so many days from `start` on that have no wake-up by Debian's cron in their minute."""
    end = start + timedelta(days=length)
    due = set(trigger.occurrences(start - timedelta(seconds=1), end - timedelta(seconds=1)))
    return sorted(due - table_fires(lines, zone_named(host), start, length)) if due else []


def windows(trigger: Cron | Every, host: str, day: date) -> list[tuple[datetime, int]]:
    """All of the 13 months, or the days around each clock change where the trigger has too many runs."""
    start = start_of(day)
    end = start + timedelta(days=THIRTEEN_MONTHS)
    if isinstance(trigger, Every) or trigger.count(start, end) <= MOST_LISTED:
        return [(start, THIRTEEN_MONTHS)]
    found = [start]
    for zone in (trigger.zone, zone_named(host)):
        found += [change - timedelta(days=1) for year in (day.year, day.year + 1) for change in changes(zone, year)]
    return [(window, 3) for window in found if start <= window < end - timedelta(days=3)]


@pytest.mark.parametrize(
    ("expression", "zone", "host"),
    [
        ("0 9 * * *", "Europe/Berlin", "Europe/Berlin"),
        ("17 4 * * *", "Europe/Berlin", "Europe/Berlin"),
        ("0 9 * * mon-fri", "Europe/Vienna", "Europe/Berlin"),
        ("0 0 1-31 * 5", "UTC", "Etc/UTC"),
        ("*/60 3 */7,3 * 1", "Australia/Lord_Howe", "Australia/Lord_Howe"),
        ("30 2 29 2 *", "America/New_York", "America/New_York"),
    ],
)
def test_on_a_host_with_the_same_clock_the_line_is_the_expression(expression: str, zone: str, host: str) -> None:
    found = crontab_expressions(Cron.parse(expression, zone), zone_named(host), day=DAY)
    assert (found.expressions, found.lasting) == ((expression,), True)


@pytest.mark.parametrize(
    ("expression", "zone", "host", "expected"),
    [
        ("0 9 1 * *", "Asia/Kolkata", "UTC", ("30 3 1 * *",)),
        ("*/5 * * * *", "UTC", "Europe/Berlin", ("*/5 * * * *",)),
        ("0 9 * * 1-5", "Europe/London", "Europe/Berlin", ("0 10 * * 1-5",)),
        ("0 0 * * 1", "Asia/Tokyo", "UTC", ("0 15 * * 0",)),
        ("0 0 1 7 *", "Europe/Berlin", "UTC", ("0 22 30 6 *",)),
        ("0 0 2 1 *", "Asia/Tokyo", "UTC", ("0 15 1 1 *",)),
        (
            "0 9 * * *",
            "Europe/Berlin",
            "UTC",
            (
                "0 8 * 1,2,11,12 *",
                "0 8 1-27 3 *",
                "0 7 28-31 3 *",
                "0 7 * 4-9 *",
                "0 7 1-30 10 *",
                "0 8 31 10 *",
            ),
        ),
        ("30 2 28 3 *", "Europe/Berlin", "UTC", ("0 1 28 3 *",)),
    ],
)
def test_on_another_clock_the_expression_is_moved(
    expression: str, zone: str, host: str, expected: tuple[str, ...]
) -> None:
    assert of(expression, zone, host) == expected


def test_what_cron_holds_back_in_a_repeated_hour_has_a_dated_line_with_a_wildcard() -> None:
    # 00:30 UTC on 31 October 2027 is the second 02:30 in Berlin, where cron runs no fixed times again.
    *_, last = of("30 1 * * *", "UTC", "Europe/Berlin")
    assert last == "*/30 2 31 10 *"


def test_a_line_without_dates_lasts() -> None:
    def lasting(expression: str, zone: str) -> bool:
        return crontab_expressions(Cron.parse(expression, zone), zone_named("UTC"), day=DAY).lasting

    assert lasting("30 9 1 * *", "Asia/Kolkata") is lasting("*/5 * * * *", "Europe/Berlin") is True
    assert lasting("0 9 * * *", "Europe/Berlin") is lasting("0 0 1 * *", "Asia/Kolkata") is False


def test_the_lines_are_the_same_all_month() -> None:
    first = of("0 9 * * *", "America/New_York", "Europe/Berlin", date(2027, 3, 2))
    assert all(
        of("0 9 * * *", "America/New_York", "Europe/Berlin", date(2027, 3, day)) == first for day in (14, 15, 31)
    )


@settings(max_examples=40, deadline=None)
@given(expression=st.one_of(expressions, night_expressions), zone=clock_zones, host=clock_zones, day=days)
def test_no_occurrence_of_thirteen_months_is_lost(expression: str, zone: str, host: str, day: date) -> None:
    cron = Cron.parse(expression, zone)
    lines = of(expression, zone, host, day)
    for start, length in windows(cron, host, day):
        assert lost(cron, lines, host, start, length) == []


@pytest.mark.parametrize("zone", ODD_ZONES)
@pytest.mark.parametrize("host", ODD_ZONES)
def test_no_occurrence_at_night_is_lost_between_odd_zones(zone: str, host: str) -> None:
    for expression in ("30 2 * * *", "*/20 1-3 * * *", "45 1,23 29-31 * *"):
        cron = Cron.parse(expression, zone)
        assert lost(cron, of(expression, zone, host), host, start_of(DAY), THIRTEEN_MONTHS) == []


@settings(max_examples=20, deadline=None)
@given(expression=night_expressions, zone=clock_zones, host=clock_zones, day=days)
def test_a_cron_without_rules_for_clock_changes_loses_nothing(expression: str, zone: str, host: str, day: date) -> None:
    cron, clock = Cron.parse(expression, zone), zone_named(host)
    lines = [Entry(line) for line in of(expression, zone, host, day, debian=False)]
    for start, length in windows(cron, host, day):
        for moment in cron.occurrences(start, start + timedelta(days=length)):
            assert any(line.matches(local_clock(moment, clock)) for line in lines), moment


def test_lines_for_the_clock_of_another_host_lose_occurrences() -> None:
    # The check above can fail: these lines are written for Berlin, and run in London and by Lord Howe's half hour.
    cron = Cron.parse("0 9 * * *", "America/New_York")
    lines = of("0 9 * * *", "America/New_York", "Europe/Berlin")
    assert lost(cron, lines, "Europe/Berlin", start_of(DAY), THIRTEEN_MONTHS) == []
    assert len(lost(cron, lines, "Europe/London", start_of(DAY), THIRTEEN_MONTHS)) > 300
    night = Cron.parse("30 1 * * *", "UTC")
    for forgotten in ("*/30 2 31 10 *",):
        all_but_one = tuple(line for line in of("30 1 * * *", "UTC", "Europe/Berlin") if line != forgotten)
        [missed] = lost(night, all_but_one, "Europe/Berlin", start_of(DAY), THIRTEEN_MONTHS)
        assert missed == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)


@settings(max_examples=30, deadline=None)
@given(minutes=st.integers(1, 5000), anchor=st.integers(0, 10**6), host=clock_zones, day=days)
def test_no_run_of_an_interval_is_lost(minutes: int, anchor: int, host: str, day: date) -> None:
    every = Every(60 * minutes, NOON + timedelta(minutes=anchor))
    if needs_dates(every):
        for later in range(anchor % 20, THIRTEEN_MONTHS, 20):
            on = day + timedelta(days=later)
            lines = crontab_expressions(every, zone_named(host), day=on).expressions
            assert len(lines) <= INTERVAL_DAYS * 25 + 4
            assert lost(every, lines, host, start_of(on), INTERVAL_DAYS) == []
    else:
        lines = crontab_expressions(every, zone_named(host), day=day).expressions
        start = start_of(day) + timedelta(days=anchor % 300)
        assert lost(every, lines, host, start, 60) == []


def test_an_interval_with_dates_loses_nothing_where_the_clock_of_the_host_changes() -> None:
    for host in ODD_ZONES:
        for change in changes(zone_named(host), 2027):
            every = Every(61 * 60, NOON)
            on = (change - timedelta(days=1)).date()
            lines = crontab_expressions(every, zone_named(host), day=on).expressions
            assert lost(every, lines, host, start_of(on), INTERVAL_DAYS) == []


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(5, ("*/5 * * * *",)), (1, ("* * * * *",)), (7, ("* * * * *",)), (90, ("0 1-22/3 * * *", "30 2-23/3 * * *"))],
)
def test_an_interval_that_divides_a_day_or_wastes_little_has_lines_without_dates(
    minutes: int, expected: tuple[str, ...]
) -> None:
    every = Every(minutes * 60, datetime(2026, 11, 20, 10, tzinfo=UTC))
    found = crontab_expressions(every, zone_named("UTC"), day=DAY)
    assert (sorted(found.expressions), found.lasting) == (sorted(expected), True)


def test_an_interval_of_61_minutes_has_a_line_for_each_run_of_three_days() -> None:
    found = crontab_expressions(Every(61 * 60, NOON), zone_named("UTC"), day=DAY)
    assert found.expressions[:2] == ("12 0 21 11 *", "13 1 21 11 *")
    assert len(found.expressions) == 71
    assert not found.lasting


def test_each_line_is_in_the_strict_grammar_and_lists_no_value_twice() -> None:
    for zone in ODD_ZONES:
        for line in of("*/7 */5 * * 1", zone, "America/St_Johns"):
            fields = line.split(" ")
            assert len(fields) == 5
            assert all(ITEM.fullmatch(item) for field in fields for item in field.split(","))
            assert all(len(set(field.split(","))) == len(field.split(",")) for field in fields)
