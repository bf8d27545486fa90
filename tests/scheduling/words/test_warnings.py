"""Warnings in every language: each has every phrase, and says the same numbers and times as the English text."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from scheduling.timing import Cron, Every
from scheduling.timing.warnings import ReviewWarning, warnings_of
from scheduling.words import languages
from scheduling.words.warnings import warning_text
from tests.conftest import at

NOW = at("2026-11-20 10:00")
ENGLISH = {"en", "en-us"}
TRIGGERS: list[Cron | Every] = [
    Cron.parse("0 0 13 * 5"), Cron.parse("0 0 1-31 * 5"), Cron.parse("*/40 * * * *"), Cron.parse("0 0 31 * *"),
    Cron.parse("* * * * *"), Cron.parse("30 2 * * *", "Europe/Berlin"), Cron.parse("*/30 2 * * *", "Europe/Berlin"),
    Cron.parse("30 0 * * *", "America/Havana"), Every(30, NOW + timedelta(seconds=1)),
]  # fmt: skip
WARNINGS = [
    *(warning for trigger in TRIGGERS for warning in warnings_of(trigger, now=NOW)),
    ReviewWarning("ended", "It has ended, at 2026-01-02 03:04:05 UTC.", values={"at": "2026-01-02 03:04:05 UTC"}),
    ReviewWarning("never_due", "It is not due."),
]
# "1 run" is "the run" in English, and four changes of one zone have the same hours.
SAID = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}:[0-9]{2}|[A-Z][a-z]+/[A-Z][a-z]+|/[0-9]+")


def test_the_warnings_of_the_test_are_all_that_there_are() -> None:
    codes = {warning.phrase or warning.code for warning in WARNINGS}
    effects = {str(change.effect.value) for warning in WARNINGS for change in warning.clock_changes}
    assert codes | {f"clock_{effect}" for effect in effects} == {
        "sub_minute", "very_frequent", "either_day", "either_day_is_every_day", "uneven_step", "not_every_month",
        "clock_change", "clock_skipped", "clock_late", "clock_twice", "clock_first_only", "ended", "never_due",
    }  # fmt: skip


@pytest.mark.parametrize("language", languages())
def test_each_warning_is_told(language: str) -> None:
    for warning in WARNINGS:
        text = warning_text(warning, language)
        assert (text == warning.detail) == (language in ENGLISH), (warning.code, text)
        assert "{" not in text
        assert set(SAID.findall(text)) == set(SAID.findall(warning.detail)), text


def test_months_have_their_own_names() -> None:
    [warning] = warnings_of(Cron.parse("0 0 31 * *"), now=NOW)
    assert "Februar, April, Juni, September, November" in warning_text(warning, "de")
