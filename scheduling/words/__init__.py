"""Triggers in plain words that are true for what will fire. Pure."""

from __future__ import annotations

import re
from typing import Final, Literal

from scheduling.errors import TandemError
from scheduling.timing.cron import Cron
from scheduling.timing.every import Every
from scheduling.timing.grammar import excerpt
from scheduling.words import catalogue, english, sentences

__all__ = [
    "DEFAULT",
    "UnknownLanguage",
    "accepted",
    "at_start",
    "clock_of",
    "describe",
    "language_name",
    "languages",
    "matching",
]

DEFAULT: Final = "en"
# English is a module of its own, with cron-descriptor's words and a reader in the tests that proves it true. Its two
# codes differ in the clock they have unless asked otherwise (CLDR: 12 hours in the United States).
_ENGLISH: Final[dict[str, Literal[12, 24]]] = {"en": 24, "en-us": 12}
# What others call a language of ours: Norwegian without saying which is nearly always bokmal (BCP 47, RFC 5646).
_ALIASES: Final = {"no": "nb", "zh-cn": "zh", "zh-hans": "zh", "pt-br": "pt"}
# Not every region of a language reads the same words.
_APART: Final = ("zh-tw", "zh-hk", "zh-mo", "zh-hant")
_RANGE: Final = re.compile(
    r"\s*(?P<tag>\*|[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*[qQ]=(?P<q>[01](?:\.[0-9]{0,3})?))?\s*"
)
# Languages of one Accept-Language that are looked at; browsers send fewer than ten.
_MOST_RANGES: Final = 50
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
    known = _known(language)
    return english.sentence(trigger, chosen) if known in _ENGLISH else sentences.sentence(trigger, chosen, known)


def at_start(*, language: str = DEFAULT) -> str:
    """What cron's `@reboot` says. Raises UnknownLanguage."""
    known = _known(language)
    text = "at every start of the machine" if known in _ENGLISH else catalogue.catalogue(known).at_start
    return text[0].upper() + text[1:]


def clock_of(language: str) -> Literal[12, 24]:
    """The clock that the speakers of a language read the time from. Raises UnknownLanguage."""
    known = _known(language)
    return _ENGLISH[known] if known in _ENGLISH else catalogue.catalogue(known).clock


def languages() -> tuple[str, ...]:
    """The languages `describe` offers, as sorted lower-case codes (RFC 5646)."""
    return tuple(sorted((*_ENGLISH, *catalogue.codes())))


def language_name(language: str) -> str:
    """What a language of `languages()` calls itself. Raises UnknownLanguage."""
    known = _known(language)
    return "English" if known in _ENGLISH else catalogue.catalogue(known).language


def accepted(header: str) -> str | None:
    """The language an Accept-Language header (RFC 9110, section 12.5.4) likes best; None where it names none.

    A tag stands for its language where its region is not offered (`de-AT`); `*` is the default. Raises
    UnknownLanguage where the header accepts only languages that are not offered: never silent English.
    """
    wanted = _by_preference(header)
    for tag in wanted:
        found = DEFAULT if tag == "*" else _nearest(tag)
        if found is not None:
            return found
    if wanted:
        raise _unknown(", ".join(wanted))
    return None


def matching(tag: str) -> str:
    """The offered language for a tag in any case, with or without a region. Raises UnknownLanguage."""
    found = _nearest(tag.lower()) if len(tag) <= _LONGEST_TAG else None
    if found is None:
        raise _unknown(tag)
    return found


def _by_preference(header: str) -> list[str]:
    found: list[tuple[float, int, str]] = []
    for part in header.split(",")[:_MOST_RANGES]:
        match = _RANGE.fullmatch(part)
        if match and (weight := float(match["q"] or 1)) > 0:
            found.append((-weight, len(found), match["tag"].lower()))
    return [tag for _, _, tag in sorted(found)]


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
