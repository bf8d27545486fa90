"""The phrases of one language, kept in `catalogues/<language>.toml`.

Phrases are worded so that the names and numbers put into them need no other form: "days of the week: Monday".
What inflects all the same, "every n minutes", has a phrase for each plural category of CLDR.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

_FOLDER = Path(__file__).parent / "catalogues"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A language: every phrase is needed, and a file that lacks one, or has one more, cannot be read (TypeError).

    Of a pair such as `on_date` and `on_dates` the first is for a single value. `second` to `day` hold `each`
    ("every minute") and a phrase with {n} for each plural category.
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
    second: Mapping[str, str]
    minute: Mapping[str, str]
    hour: Mapping[str, str]
    day: Mapping[str, str]
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


@lru_cache(maxsize=1)
def codes() -> tuple[str, ...]:
    """The languages that have a file. Reads the folder once in a process."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@lru_cache(maxsize=64)
def catalogue(code: str) -> Catalogue:
    """The phrases of one of `codes()`. Reads its file once in a process."""
    with (_FOLDER / f"{code}.toml").open("rb") as file:
        return Catalogue(**tomllib.load(file))
