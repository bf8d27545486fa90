"""What the English sentences say, read back independently, is exactly what the engine's fields allow."""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from operator import itemgetter
from typing import Literal

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from scheduling.errors import InvalidTrigger
from scheduling.timing.cron import Cron
from scheduling.timing.fields import Field
from scheduling.words import describe
from tests.scheduling.words.english_reader import (
    EVERY_DATE,
    EVERY_MONTH,
    EVERY_WEEKDAY,
    ReadingError,
    read,
    read_interval,
)

MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAY_NAMES = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MACROS = ("@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually")
ZONES = ("UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Argentina/Buenos_Aires")
English = tuple[str, Literal[12, 24]]
# A language and a clock: the lists of American English have a comma more.
ENGLISHES: tuple[English, ...] = (("en", 24), ("en", 12), ("en-us", 12))


def spellings(low: int, high: int, names: tuple[str, ...], named_from: int) -> list[tuple[int, str]]:
    """Each number as digits, with zeros before it, and by its name in any case."""
    numbers = range(low, high + 1)
    named = [(number, names[number - named_from]) for number in numbers if 0 <= number - named_from < len(names)]
    digits = [(number, text) for number in numbers for text in (str(number), f"{number:03}")]
    return digits + [(number, text) for number, name in named for text in (name, name.upper(), name.title())]


def items(low: int, high: int, names: tuple[str, ...], named_from: int) -> st.SearchStrategy[str]:
    """One item in any of its forms: `*`, `*/n`, `a`, `a-b`, `a-b/n`. Few draws, as they are what takes time here."""
    written = st.sampled_from(spellings(low, high, names, named_from))
    single = written.map(itemgetter(1))
    ranges = st.tuples(written, written).map(sorted).map(lambda pair: f"{pair[0][1]}-{pair[1][1]}")
    steps = st.integers(1, high + 10).map("/{}".format)
    return st.one_of(
        st.just("*"), steps.map("*{}".format), single, single, ranges, st.tuples(ranges, steps).map("".join)
    )


def fields(low: int, high: int, names: tuple[str, ...] = (), named_from: int = 0) -> st.SearchStrategy[str]:
    """A field: often a star or a single item, else a list of up to five."""
    item = items(low, high, names, named_from)
    lists = st.lists(item, min_size=2, max_size=5).map(",".join)
    return st.one_of(st.just("*"), item, item, lists)


EXPRESSIONS = st.tuples(
    fields(0, 59),
    fields(0, 23),
    fields(1, 31),
    fields(1, 12, MONTH_NAMES, 1),
    fields(0, 7, WEEKDAY_NAMES),
).map(" ".join)


@lru_cache(maxsize=1024)
def allowed_days(day: Field, month: Field, weekday: Field) -> frozenset[tuple[int, int, int]]:
    """All (day, month, weekday) that the fields allow, by the day rule of crontab(5)."""
    days, months, weekdays = set(day.values), set(month.values), set(weekday.values)
    both = day.text.startswith("*") or weekday.text.startswith("*")
    pairs = [
        (date, name)
        for date, name in product(EVERY_DATE, EVERY_WEEKDAY)
        if ((date in days and name in weekdays) if both else (date in days or name in weekdays))
    ]
    return frozenset((date, number, name) for number, (date, name) in product(EVERY_MONTH & months, pairs))


def assert_true(cron: Cron, english: English = ("en", 24)) -> None:
    """The sentence, read back, names every time of day and every kind of day that fires, and no other."""
    language, clock = english
    sentence = describe(cron, language=language, clock=clock)
    reading = read(sentence)
    assert reading.times == set(product(cron.hour.values, cron.minute.values)), sentence
    assert reading.days == allowed_days(cron.day, cron.month, cron.weekday), sentence
    assert reading.zone == cron.zone.key


@settings(max_examples=700, deadline=None)
@given(EXPRESSIONS, st.sampled_from(ZONES), st.sampled_from(ENGLISHES))
def test_what_is_said_is_what_fires(expression: str, zone: str, english: English) -> None:
    try:
        cron = Cron.parse(expression, zone)
    except InvalidTrigger as refusal:
        # Only a date that never comes, such as 30 February, may be refused: it is well in another month.
        minute, hour, day, _, weekday = expression.split()
        Cron.parse(f"{minute} {hour} {day} * {weekday}")
        if refusal.field != "day-of-month":
            raise
        reject()
    assert_true(cron, english)


@pytest.mark.parametrize("macro", MACROS)
def test_macros_are_told_by_what_they_stand_for(macro: str) -> None:
    assert_true(Cron.parse(macro))


@pytest.mark.parametrize("english", ENGLISHES)
def test_every_step_of_minutes_and_hours_is_true(english: English) -> None:
    for step in range(1, 62):
        for start in ("*", "0-59", "1-59", "7-50"):
            assert_true(Cron.parse(f"{start}/{step} * * * *"), english)
        for minute, start in product(("*", "*/15", "*/40", "30"), ("*", "0-23", "3-19")):
            assert_true(Cron.parse(f"{minute} {start}/{step} * * *"), english)


def test_every_set_of_weekdays_is_true() -> None:
    for chosen in range(1, 2**7):
        weekdays = ",".join(str(day) for day in range(7) if chosen >> day & 1)
        for day_of_month in ("*", "*/2", "13"):
            assert_true(Cron.parse(f"0 0 {day_of_month} * {weekdays}"))


def test_every_set_of_months_is_true() -> None:
    for chosen in range(1, 2**12, 3):
        months = ",".join(str(month + 1) for month in range(12) if chosen >> month & 1)
        assert_true(Cron.parse(f"0 0 1 {months} *"))


@pytest.mark.parametrize(
    ("lie", "expression"),
    [
        ("Every 40 minutes, UTC time", "*/40 * * * *"),
        ("At minutes 0 and 40 of the hours 09 through 17, UTC time", "*/40 9-16 * * *"),
        ("At 12:00 AM, UTC time", "0 12 * * *"),
        ("At 00:00, on day 13 of the month, but only if that day is Friday, UTC time", "0 0 13 * 5"),
        ("At 00:00, on days 1, 3, 5, ..., 31 of the month or on Monday, UTC time", "0 0 */2 * 1"),
        ("At 00:00, on Monday, only in March, UTC time", "0 0 * * 1"),
    ],
)
def test_the_reader_catches_a_lie(lie: str, expression: str) -> None:
    cron, reading = Cron.parse(expression), read(lie)
    times = frozenset(product(cron.hour.values, cron.minute.values))
    assert (reading.times, reading.days) != (times, allowed_days(cron.day, cron.month, cron.weekday))


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "Every 5 minutes",
        "Every 5 hours, UTC time",
        "Every 5 minutes from 09:00 through 17:59, UTC time",
        "At minutes 5 of every hour, UTC time",
        "At 13:00 PM, UTC time",
        "At 9:00, UTC time",
        "At 00:00, on days 1 and 2 of the month or Friday, UTC time",
        "At 00:00, on Monday through Friday, UTC time",
        "At 00:00, on days 1, 3, 6, ..., 31 of the month, UTC time",
        "At 00:00, on day 13 of the month perhaps, UTC time",
    ],
)
def test_the_reader_does_not_guess(nonsense: str) -> None:
    with pytest.raises(ReadingError):
        read(nonsense)


def test_the_reader_wants_the_right_number_of_units() -> None:
    with pytest.raises(ReadingError):
        read_interval("Every 2 hour, counted from 2026-11-20 10:00:00 UTC")
