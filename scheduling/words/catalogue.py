"""The phrases of one language, kept in `catalogues/<language>.toml`.

Phrases are worded so that the names and numbers put into them need no other form: "days of the week: Monday".
"Every n minutes" inflects all the same. It is cron-descriptor's, and only where cron-descriptor is wrong or silent
does a catalogue have a table of its own, with a phrase for each plural category of CLDR.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from scheduling.words.cron_descriptor import Unit

UNITS: Final[tuple[Unit, ...]] = ("second", "minute", "hour", "day")
_FOLDER = Path(__file__).parent / "catalogues"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A language: a file that lacks a phrase without a default, or has one more, cannot be read (TypeError).

    Of a pair such as `on_date` and `on_dates` the first is for a single value.
    """

    language: str
    """Its own name."""
    locale: str
    """Where Babel finds its names, lists and times of day."""
    month_names: Literal["format", "stand-alone"]
    weekday_names: Literal["format", "stand-alone"]
    """The form of its names. Only a language that has both may say stand-alone: for the others Babel answers
    with whatever language was asked last (seen in 2.18: Korean months in Chinese)."""
    clock: Literal[12, 24]
    at_time: str
    at_times: str
    between: str
    minute_of_every_hour: str
    minutes_of_every_hour: str
    at_minute: str
    at_minutes: str
    in_hour: str
    in_hours: str
    every_day: str
    on_date: str
    on_dates: str
    on_weekday: str
    on_weekdays: str
    either: str
    both: str
    in_month: str
    in_months: str
    number_range: str
    weekday_range: str
    month_range: str
    sentence: str
    any_day: str
    interval: str
    at_start: str
    am: str = ""
    pm: str = ""
    """Where CLDR writes AM and PM and the language has words of its own."""
    every_day_in: str = ""
    on_weekday_range: str = ""
    """Where a language has a shorter way to say it: for every day of some months ("every day in March"), and for
    weekdays that are one range ("Monday through Friday")."""
    cron_descriptor: str = ""
    """The locale of cron-descriptor that says "every n units" for each unit without a table in `every`."""
    every: Mapping[Unit, Mapping[str, str]] = field(default_factory=dict)
    """For a unit: `each` ("every minute") and a phrase with {n} for each plural category."""

    def __post_init__(self) -> None:
        missing = [unit for unit in UNITS if unit not in self.every]
        if missing and not self.cron_descriptor:
            raise TypeError(f"{self.language}: no phrase for {', '.join(missing)}, and no locale of cron-descriptor")


@lru_cache(maxsize=1)
def codes() -> tuple[str, ...]:
    """The languages that have a file. Reads the folder once in a process."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@lru_cache(maxsize=64)
def catalogue(code: str) -> Catalogue:
    """The phrases of one of `codes()`. Reads its file once in a process."""
    return Catalogue(**_table(code))


def _table(code: str) -> dict[str, Any]:
    """A file's phrases, over those of the language it is `like`."""
    with (_FOLDER / f"{code}.toml").open("rb") as file:
        table = tomllib.load(file)
    like = table.pop("like", None)
    return {**_table(like), **table} if like else table
