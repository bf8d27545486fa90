"""Triggers in plain words that are true for what will fire. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal

from scheduling.errors import TandemError
from scheduling.timing.cron import Cron
from scheduling.timing.every import Every
from scheduling.timing.grammar import excerpt
from scheduling.words import catalogue, sentences

__all__ = [
    "DEFAULT",
    "UnknownLanguage",
    "at_start",
    "clock_of",
    "describe",
    "language_name",
    "languages",
    "matching",
]

DEFAULT: Final = "en"
# What others call a language of ours: Norwegian without saying which is nearly always bokmal (BCP 47, RFC 5646).
_ALIASES: Final = {"no": "nb", "zh-cn": "zh", "zh-hans": "zh", "pt-br": "pt"}
# Not every region of a language reads the same words.
_APART: Final = ("zh-tw", "zh-hk", "zh-mo", "zh-hant")
# Characters; RFC 5646 knows no longest tag, and those in use have fewer than 40.
_LONGEST_TAG: Final = 100


class UnknownLanguage(TandemError):
    """Schedules cannot be described in this language."""

    code = "unknown_language"


def describe(trigger: Cron | Every, *, language: str = DEFAULT, clock: Literal[12, 24] | None = None) -> str:
    """One sentence, without a full stop, that says when `trigger` fires.

    A cron expression is described by the values its fields allow and by cron's day rule (crontab(5)), never
    by its spelling; its time zone is named at the end. An interval names the instant it is counted from.
    `language` is one of `languages()`; `clock` chooses 13:00 or 01:00 PM, and is the language's own if not given.

    Raises UnknownLanguage, listing what is offered; ValueError for a clock that is neither 12 nor 24.
    """
    chosen = clock_of(language) if clock is None else clock
    if chosen not in {12, 24}:
        raise ValueError(f"clock is 12 or 24, not {clock!r}")
    return _sentence(trigger, chosen, _known(language))


# A page of schedules shows the same few triggers again and again.
@lru_cache(maxsize=4096)
def _sentence(trigger: Cron | Every, clock: Literal[12, 24], language: str) -> str:
    return sentences.sentence(trigger, clock, language)


def at_start(*, language: str = DEFAULT) -> str:
    """What cron's `@reboot` says. Raises UnknownLanguage."""
    text = catalogue.catalogue(_known(language)).at_start
    return text[0].upper() + text[1:]


def clock_of(language: str) -> Literal[12, 24]:
    """The clock that the speakers of a language read the time from. Raises UnknownLanguage."""
    return catalogue.catalogue(_known(language)).clock


def languages() -> tuple[str, ...]:
    """The languages `describe` offers, as sorted lower-case codes (RFC 5646)."""
    return catalogue.codes()


def language_name(language: str) -> str:
    """What a language of `languages()` calls itself. Raises UnknownLanguage."""
    return catalogue.catalogue(_known(language)).language


def matching(*tags: str) -> str:
    """The first offered language for these tags (RFC 5646), in any case, with or without a region.

    A tag stands for its language where its region is not offered: `de-AT` is `de`. Raises UnknownLanguage where none
    of the tags is offered: never silent English.
    """
    for tag in tags:
        found = _nearest(tag.lower()) if len(tag) <= _LONGEST_TAG else None
        if found is not None:
            return found
    raise _unknown(", ".join(tags))


def _nearest(tag: str) -> str | None:
    """The offered language for a tag, its last subtags left off one after the other (RFC 4647, lookup)."""
    while tag:
        if tag in _APART:
            return None
        code = _ALIASES.get(tag, tag)
        if code in languages():
            return code
        tag = tag.rpartition("-")[0]
    return None


def _known(language: str) -> str:
    if language not in languages():
        raise _unknown(language)
    return language


def _unknown(language: str) -> UnknownLanguage:
    offered = ", ".join(languages())
    return UnknownLanguage(f"no descriptions in the language '{excerpt(language)}'; offered: {offered}")
