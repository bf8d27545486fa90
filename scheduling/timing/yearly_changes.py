"""The rule for clock changes at the end of a zone file: a POSIX TZ text, such as `CET-1CEST,M3.5.0,M10.5.0/3`. Pure.

It says when clocks change in each year after the last change that the file lists (RFC 9636, section 3.3; POSIX.1-2024,
Base Definitions, section 8.3).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from scheduling.timing.instants import EPOCH_ORDINAL

_NAME = r"(?:<[^>]*>|[A-Za-z]{3,})"
_TIME = r"[+-]?[0-9]{1,3}(?::[0-9]{2}){0,2}"
_DAY = r"M[0-9]{1,2}\.[1-5]\.[0-6]|J?[0-9]{1,3}"
_RULE = re.compile(
    rf"{_NAME}(?P<standard>{_TIME})"
    rf"(?:{_NAME}(?P<summer>{_TIME})?"
    rf",(?P<begin_day>{_DAY})(?:/(?P<begin_time>{_TIME}))?,(?P<end_day>{_DAY})(?:/(?P<end_time>{_TIME}))?)?"
)
# POSIX counts in days of this many seconds, and has no leap seconds.
_DAY_SECONDS = 86_400
# How far summer time is ahead of standard time where a rule does not say.
_SUMMER_AHEAD = 3600
# Days before 1 March in a year that is no leap year.
_UNTIL_MARCH = 59


# A day of the year: (month, week, weekday) of `M3.5.0`; (0, number, 1) of `J60`; (0, number, 0) of `60`.
_Day = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class YearlyChanges:
    """Clocks are `summer` seconds ahead of UTC from `begin` to `end` of each year, and `standard` at other times.

    `begin` and `end` are a day and a time of that day, in seconds on the clock until then.
    """

    standard: int
    summer: int
    begin: tuple[_Day, int]
    end: tuple[_Day, int]

    def in_year(self, year: int) -> list[tuple[int, int]]:
        """The two changes of a year, ascending: seconds since 1970 (UTC), and seconds ahead of UTC from then on."""
        begin = _second(year, *self.begin) - self.standard
        end = _second(year, *self.end) - self.summer
        changes = [(begin, self.summer), (end, self.standard)]
        return changes if begin <= end else changes[::-1]


def yearly_changes(text: str) -> YearlyChanges | None:
    """Read the text; None for a zone whose clocks no longer change. Raises ValueError for what is no such text."""
    found = _RULE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a POSIX TZ text")
    if found["begin_day"] is None:
        return None
    # POSIX counts an offset westwards. Without one, summer time is an hour ahead; a change is at 2 o'clock.
    standard = -_seconds(found["standard"])
    return YearlyChanges(
        standard,
        -_seconds(found["summer"]) if found["summer"] else standard + _SUMMER_AHEAD,
        (_day(found["begin_day"]), _seconds(found["begin_time"] or "2")),
        (_day(found["end_day"]), _seconds(found["end_time"] or "2")),
    )


def _day(text: str) -> _Day:
    if text.startswith("M"):
        month, week, weekday = map(int, text[1:].split("."))
        return month, week, weekday
    return 0, int(text.lstrip("J")), int(text.startswith("J"))


def _seconds(time: str) -> int:
    """The seconds of `2`, `-1`, `+10:30` or `24:00:00`."""
    parts = [int(part) for part in time.lstrip("+-").split(":")]
    seconds = sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
    return -seconds if time.startswith("-") else seconds


def _second(year: int, day: _Day, time: int) -> int:
    """The seconds from 1970-01-01 00:00 to this time of this day, on one clock."""
    ordinal = _weekday_in_month(year, *day) if day[0] else _numbered_day(year, day[1], not_leap=day[2] == 1)
    return (ordinal - EPOCH_ORDINAL) * _DAY_SECONDS + time


def _numbered_day(year: int, number: int, *, not_leap: bool) -> int:
    """Counts from 0; or from 1 and never 29 February, with `not_leap`."""
    new_year = date(year, 1, 1).toordinal()
    if not not_leap:
        return new_year + number
    leap = date(year, 3, 1).toordinal() - new_year > _UNTIL_MARCH
    return new_year + number - 1 + (leap and number > _UNTIL_MARCH)


def _weekday_in_month(year: int, month: int, week: int, weekday: int) -> int:
    """The first (1) to fourth, or the last (5), such weekday (Sunday is 0) of the month."""
    first = date(year, month, 1).toordinal()
    # date.toordinal() is 0 modulo 7 on Sundays.
    found = first + (weekday - first) % 7 + 7 * (week - 1)
    following = date(year, month + 1, 1).toordinal() if month < 12 else first + 31
    return found if found < following else found - 7
