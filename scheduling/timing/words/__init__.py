"""Triggers in plain words that are true for what will fire (DESIGN.md, section 4). Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

from scheduling.errors import TandemError
from scheduling.timing.cron import Cron
from scheduling.timing.every import Every
from scheduling.timing.grammar import excerpt
from scheduling.timing.words import english

__all__ = ["UnknownLanguage", "describe", "languages"]

# A language is one function from a trigger to a sentence. It is listed here once every word of every sentence
# is its own: of cron-descriptor's catalogues only the English one has AM, PM and "every n days", and none has
# "or" between the day fields, so offering another would let English, or nothing at all, leak in.
_LANGUAGES: Mapping[str, Callable[[Cron | Every, Literal[12, 24]], str]] = MappingProxyType({"en": english.sentence})


class UnknownLanguage(TandemError):
    """Schedules cannot be described in this language."""

    code = "unknown_language"


def describe(trigger: Cron | Every, *, language: str = "en", clock: Literal[12, 24] = 24) -> str:
    """One sentence, without a full stop, that says when `trigger` fires.

    A cron expression is described by the values its fields allow and by cron's day rule (crontab(5)), never
    by its spelling; its time zone is named at the end. An interval names the instant it is counted from.
    `language` is one of `languages()`; `clock` chooses 13:00 or 01:00 PM.

    Raises UnknownLanguage, listing what is offered; ValueError for a clock that is neither 12 nor 24.
    """
    if clock not in {12, 24}:
        raise ValueError(f"clock is 12 or 24, not {clock!r}")
    sentence = _LANGUAGES.get(language)
    if sentence is None:
        offered = ", ".join(languages())
        raise UnknownLanguage(f"no descriptions in the language '{excerpt(language)}'; offered: {offered}")
    return sentence(trigger, clock)


def languages() -> tuple[str, ...]:
    """The languages `describe` offers, as sorted lower-case codes (RFC 5646)."""
    return tuple(sorted(_LANGUAGES))
