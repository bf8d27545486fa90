"""The texts of warnings in every language: the phrases of `catalogues/warnings/<language>.toml`. Pure.

English is that of the code that warns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from babel import Locale

from scheduling.timing.dst_effects import ClockChange
from scheduling.timing.warnings import ReviewWarning
from scheduling.words.catalogue import catalogue
from scheduling.words.phrase_files import phrases as phrases_of

_FOLDER: Final = "warnings"
# As many as the English text names.
_MOST_CHANGES: Final = 4


def warning_text(warning: ReviewWarning, language: str) -> str:
    """The text of a warning, in one of `languages()`; in English where it has no phrase for that."""
    phrases = phrases_of(_FOLDER, language)
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
