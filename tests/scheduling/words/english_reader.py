"""An independent reader of the English sentences: it knows the language and nothing of how they were made.

It takes each phrase as a person would: "every 40 minutes" would be 00:00, 00:40, 01:20 and so on round the
clock, "or" and "but only if" mean what they say. Nothing of scheduling.timing is used, so that a reading that
equals the engine's fields proves the sentence true.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import lru_cache
from itertools import product

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
EVERY_DATE = frozenset(range(1, 32))
EVERY_MONTH = frozenset(range(1, 13))
EVERY_WEEKDAY = frozenset(range(7))
SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}

_WEEKDAY = "|".join(WEEKDAYS)
_DAY_CLAUSE = rf"every day|on (?:day|{_WEEKDAY})|(?:{_WEEKDAY}) through"
_SENTENCE = re.compile(rf"(?P<time>.+?)(?:, (?P<days>(?:{_DAY_CLAUSE}).*))?, (?P<zone>[^, ]+) time")
_EVERY = re.compile(r"[Ee]very (?:(?P<count>\d+) )?(?P<unit>[a-z]+?)(?P<plural>s?)")
_HOUR = r"(?P<hour>\d\d?)"
_HALF = r"(?: (?P<half>[AaPp])[Mm])?"
_HOUR_NAME = re.compile(_HOUR + _HALF)
_CLOCK_TIME = re.compile(rf"{_HOUR}:(?P<minute>\d\d){_HALF}")
_INTERVAL = re.compile(
    r"(?P<every>.+), counted from (?P<date>\d{4}-\d\d-\d\d) "
    rf"{_HOUR}:(?P<minute>\d\d):(?P<second>\d\d){_HALF} UTC"
)


class ReadingError(ValueError):
    """The sentence is not in the grammar."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a sentence says: its times as (hour, minute), its days as (day, month, weekday), Sunday = 0."""

    times: frozenset[tuple[int, int]]
    days: frozenset[tuple[int, int, int]]
    zone: str


def read(sentence: str) -> Reading:
    """The reading of a sentence about a cron expression. Raises ReadingError."""
    parts = _match(_SENTENCE, sentence)
    times = {divmod(minute, 60) for minute in _times(parts["time"])}
    return Reading(frozenset(times), _days(parts["days"] or "every day"), parts["zone"])


def read_interval(sentence: str) -> tuple[int, datetime]:
    """Seconds and anchor of a sentence about an interval. Raises ReadingError."""
    parts = _match(_INTERVAL, sentence)
    moment = time(_hour_of_day(parts), int(parts["minute"]), int(parts["second"]))
    return _seconds(parts["every"]), datetime.combine(datetime.fromisoformat(parts["date"]), moment, UTC)


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str]:
    if match := pattern.fullmatch(text):
        return match
    raise ReadingError(text)


def _seconds(text: str) -> int:
    parts = _match(_EVERY, text)
    count = int(parts["count"] or 1)
    if bool(parts["plural"]) != bool(parts["count"]) or (parts["count"] and count < 2):
        raise ReadingError(text)
    return count * SECONDS[parts["unit"]]


def _times(text: str) -> set[int]:
    """Minutes since midnight."""
    if not text.startswith("Every "):
        return _listed_times(text.removeprefix("At "))
    if " from " in text:
        every, bounds = text.split(" from ")
        first, last = (_clock_time(bound) for bound in bounds.split(" through "))
        return _stepped(first, last, _seconds(every) // 60)
    every, _, hours = text.partition(" of the ")
    step = _seconds(every) // 60
    # Bare words run on past midnight: unless the step divides the day, they name other times on other days.
    if 24 * 60 % step:
        raise ReadingError(text)
    chosen = _hours(hours) if hours else range(24)
    return {minute for minute in range(0, 24 * 60, step) if minute // 60 in chosen}


def _listed_times(text: str) -> set[int]:
    if not text.startswith("minute"):
        return {_clock_time(item) for item in _split(text, "and")}
    minutes, _, hours = text.partition(" of ")
    chosen = range(24) if hours == "every hour" else _hours(hours.removeprefix("the "))
    return {hour * 60 + minute for hour, minute in product(chosen, _series(_counted(minutes, "minute")))}


def _stepped(first: int, last: int, step: int) -> set[int]:
    """`last` must be hit exactly: "through" promises it."""
    if first >= last or (last - first) % step:
        raise ReadingError(f"{step} minutes from {first} through {last}")
    return set(range(first, last + 1, step))


def _clock_time(text: str) -> int:
    parts = _match(_CLOCK_TIME, text)
    return _hour_of_day(parts) * 60 + int(parts["minute"])


def _hour_of_day(parts: re.Match[str]) -> int:
    """`09` or, with a half of the day, `9 AM`: nothing between, as 8:05 alone could be either half."""
    hour, half = int(parts["hour"]), parts["half"]
    if half is None and len(parts["hour"]) == 2:
        return hour
    if half is None or not 1 <= hour <= 12:
        raise ReadingError(parts[0])
    return hour % 12 + (12 if half in "Pp" else 0)


def _hours(text: str) -> set[int]:
    """`hours 09, 10 and 14 through 17`, or with AM and PM."""
    names = _HOUR_NAME.sub(lambda name: str(_hour_of_day(name)), text)
    return _series(_counted(names, "hour"))


def _counted(text: str, noun: str) -> str:
    """The numbers behind `minute 5` or `minutes 5 and 6`: the noun must agree with them."""
    word, _, numbers = text.partition(" ")
    if word != (noun if numbers.isdigit() else f"{noun}s"):
        raise ReadingError(text)
    return numbers


def _split(text: str, conjunction: str) -> list[str]:
    """The items of `a`, `a and b`, `a, b and c` or, as Americans write it, `a, b, and c`."""
    before, found, last = text.rpartition(f" {conjunction} ")
    return [*before.removesuffix(",").split(", "), last] if found else [last]


def _series(text: str) -> set[int]:
    if ", ..., " in text:
        shown, last = text.split(", ..., ")
        first, second, third = (int(number) for number in shown.split(", "))
        if second - first != third - second:
            raise ReadingError(text)
        return _stepped(first, int(last), second - first)
    return set().union(*(_range(item) for item in _split(text, "and")))


def _range(text: str) -> set[int]:
    first, through, last = text.partition(" through ")
    return _stepped(int(first), int(last), 1) if through else {int(first)}


def _named(text: str, names: tuple[str, ...], conjunction: str = "and") -> set[int]:
    """Positions of names; a range may pass the end, as Friday through Monday does."""
    found: set[int] = set()
    for item in _split(text, conjunction):
        first, _, last = item.partition(" through ")
        start, length = names.index(first), (names.index(last or first) - names.index(first)) % len(names)
        found.update((start + step) % len(names) for step in range(length + 1))
    return found


@lru_cache(maxsize=1024)
def _days(text: str) -> frozenset[tuple[int, int, int]]:
    body, _, months = text.partition(", only in ")
    if body.startswith("every day in "):
        body, months = "every day", body.removeprefix("every day in ")
    allowed = {month + 1 for month in _named(months, MONTHS)} if months else EVERY_MONTH
    pairs = _date_and_weekday(body)
    return frozenset((day, month, weekday) for month, (day, weekday) in product(allowed, pairs))


def _date_and_weekday(text: str) -> set[tuple[int, int]]:
    if text == "every day":
        return set(product(EVERY_DATE, EVERY_WEEKDAY))
    if not text.startswith("on day"):
        return set(product(EVERY_DATE, _weekdays(text)))
    dates, _, condition = text.removeprefix("on ").partition(" of the month")
    on_dates = set(product(_series(_counted(dates, "day")), EVERY_WEEKDAY))
    if condition.startswith(" or "):
        return on_dates | set(product(EVERY_DATE, _weekdays(condition.removeprefix(" or "))))
    if condition.startswith(", but only if that day is "):
        names = condition.removeprefix(", but only if that day is ")
        return on_dates & set(product(EVERY_DATE, _named(names, WEEKDAYS, "or")))
    if condition:
        raise ReadingError(text)
    return on_dates


def _weekdays(text: str) -> set[int]:
    """`on Monday`, `on Monday and Friday`; one range alone has no "on": `Monday through Friday`."""
    names = text.removeprefix("on ")
    alone = " through " in names and "," not in names and " and " not in names
    if alone == text.startswith("on "):
        raise ReadingError(text)
    return _named(names, WEEKDAYS)
