"""Warnings in every language that there is: the phrases of `catalogues/warnings/<language>.toml`. Pure.

English is that of the code that warns.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from babel import Locale

from scheduling.timing.dst_effects import ClockChange
from scheduling.timing.warnings import ReviewWarning
from scheduling.words.catalogue import catalogue

_FOLDER: Final = Path(__file__).parent / "catalogues" / "warnings"
# As many as the English text names.
_MOST_CHANGES: Final = 4


def told(warning: ReviewWarning, language: str) -> str:
    """The text of a warning, in one of `languages()`; in English where it has no phrase for that."""
    phrases = _phrases(language)
    form = phrases.get(warning.phrase or warning.code)
    if form is None:
        return warning.detail
    values = dict(warning.values)
    if isinstance(months := values.get("months"), tuple):
        values["months"] = _months(months, language)
    changes = "; ".join(_change(change, phrases) for change in warning.clock_changes[:_MOST_CHANGES])
    return form.format(**values, changes=changes)


def _change(change: ClockChange, phrases: Mapping[str, str]) -> str:
    form = phrases[f"clock_{change.effect.value}"]
    return form.format(day=change.day, begins=change.begins, ends=change.ends, runs=change.runs)


def _months(months: Iterable[int], language: str) -> str:
    own = catalogue(language)
    names = Locale.parse(own.locale).months[own.month_names]["wide"]
    return ", ".join(names[month] for month in months)


@lru_cache(maxsize=64)
def _phrases(language: str) -> Mapping[str, str]:
    """The phrases of a language. Reads its file once in a process; none for English."""
    path = _FOLDER / f"{language}.toml"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return tomllib.load(file)
