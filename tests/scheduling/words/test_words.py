"""Schedules in plain words: the exact sentences, in both clocks."""

from __future__ import annotations

import locale
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import pytest

from scheduling import words
from scheduling.errors import TandemError
from scheduling.timing.cron import Cron
from scheduling.timing.every import Every
from scheduling.words import UnknownLanguage, cron_descriptor, describe
from tests.scheduling.words.english_reader import read, read_interval

SENTENCES = [
    # every minute, and even steps that hold from one hour to the next
    ("* * * * *", "Every minute"),
    ("*/1 * * * *", "Every minute"),
    ("00-59 * * * *", "Every minute"),
    ("*,1 * * * *", "Every minute"),
    ("1,*/2,*/1 * * * *", "Every minute"),
    ("*/5 * * * *", "Every 5 minutes"),
    ("0-59/5 * * * *", "Every 5 minutes"),
    ("*/30 * * * *", "Every 30 minutes"),
    ("0,30 * * * *", "Every 30 minutes"),
    # uneven steps, offsets and lists name their minutes
    ("0 * * * *", "At minute 0 of every hour"),
    ("@hourly", "At minute 0 of every hour"),
    ("*/90 * * * *", "At minute 0 of every hour"),
    ("07 * * * *", "At minute 7 of every hour"),
    ("*/40 * * * *", "At minutes 0 and 40 of every hour"),
    ("*/25 * * * *", "At minutes 0, 25 and 50 of every hour"),
    ("*/7 * * * *", "At minutes 0, 7, 14, ..., 56 of every hour"),
    ("2-59/5 * * * *", "At minutes 2, 7, 12, ..., 57 of every hour"),
    ("1-59/2 * * * *", "At minutes 1, 3, 5, ..., 59 of every hour"),
    ("1,*/20 * * * *", "At minutes 0, 1, 20 and 40 of every hour"),
    ("0-14,30,45-47 * * * *", "At minutes 0 through 14, 30 and 45 through 47 of every hour"),
    # times of day
    ("30 2 * * *", "At 02:30"),
    ("@daily", "At 00:00"),
    ("00 007 * * *", "At 07:00"),
    ("15,45 8,20 * * *", "At 08:15, 08:45, 20:15 and 20:45"),
    ("0 */5 * * *", "At 00:00, 05:00, 10:00, 15:00 and 20:00"),
    ("0 */12 * * *", "At 00:00 and 12:00"),
    ("*/15 9 * * *", "At 09:00, 09:15, 09:30 and 09:45"),
    ("0 9-17 * * *", "Every hour from 09:00 through 17:00"),
    ("30 */2 * * *", "Every 2 hours from 00:30 through 22:30"),
    ("*/5 9-17 * * *", "Every 5 minutes from 09:00 through 17:55"),
    ("* 22 * * *", "Every minute from 22:00 through 22:59"),
    ("10-59/7 3 * * *", "Every 7 minutes from 03:10 through 03:59"),
    ("*/15 */2 * * *", "Every 15 minutes of the hours 00, 02, 04, ..., 22"),
    ("* 8,10 * * *", "Every minute of the hours 08 and 10"),
    ("*/5 22-23,0-2 * * *", "Every 5 minutes of the hours 00 through 02, 22 and 23"),
    ("*/40 9-17 * * *", "At minutes 0 and 40 of the hours 09 through 17"),
    ("5 0-3,12,20-22 * * *", "At minute 5 of the hours 00 through 03, 12 and 20 through 22"),
    ("1,2,5,8,13,21,34 9 * * *", "At minutes 1, 2, 5, 8, 13, 21 and 34 of the hour 09"),
    # weekdays
    ("30 2 * * 1-5", "At 02:30, Monday through Friday"),
    ("0 0 * * MON-fri", "At 00:00, Monday through Friday"),
    ("0 0 * * 0,7", "At 00:00, on Sunday"),
    ("@weekly", "At 00:00, on Sunday"),
    ("0 0 * * 6-7", "At 00:00, on Saturday and Sunday"),
    ("0 0 * * 5-7", "At 00:00, Friday through Sunday"),
    ("0 0 * * 0-4", "At 00:00, Sunday through Thursday"),
    ("0 0 * * mon,wed,fri", "At 00:00, on Monday, Wednesday and Friday"),
    ("0 0 * * */2", "At 00:00, on Tuesday, Thursday, Saturday and Sunday"),
    ("0 0 * * 0-6", "At 00:00, every day"),
    ("* * * * 1-3,5", "Every minute, on Monday through Wednesday and Friday"),
    # days of the month
    ("@monthly", "At 00:00, on day 1 of the month"),
    ("0 0 1,15 * *", "At 00:00, on days 1 and 15 of the month"),
    ("0 0 */2 * *", "At 00:00, on days 1, 3, 5, ..., 31 of the month"),
    ("0 0 */7 * *", "At 00:00, on days 1, 8, 15, 22 and 29 of the month"),
    ("0 0 1-7 * *", "At 00:00, on days 1 through 7 of the month"),
    ("0 0 1-31 * *", "At 00:00, every day"),
    # both day fields: "or", unless one begins with a star
    ("0 0 13 * 5", "At 00:00, on day 13 of the month or on Friday"),
    ("0 0 1,15 * 1-5", "At 00:00, on days 1 and 15 of the month or Monday through Friday"),
    (
        "0 0 13 * */2",
        "At 00:00, on day 13 of the month, but only if that day is Tuesday, Thursday, Saturday or Sunday",
    ),
    ("0 0 */2 * 1", "At 00:00, on days 1, 3, 5, ..., 31 of the month, but only if that day is Monday"),
    ("0 0 */40 * 1-5", "At 00:00, on day 1 of the month, but only if that day is Monday through Friday"),
    ("0 0 1-31 * 1", "At 00:00, every day"),
    ("0 0 13 * 0-6", "At 00:00, every day"),
    ("0 0 *,1 * 1", "At 00:00, on Monday"),
    ("0 0 13 * *,1", "At 00:00, on day 13 of the month"),
    # months
    ("@yearly", "At 00:00, on day 1 of the month, only in January"),
    ("0 0 * 3 *", "At 00:00, every day in March"),
    ("*/5 * * jun-aug *", "Every 5 minutes, every day in June through August"),
    ("0 0 1 */3 *", "At 00:00, on day 1 of the month, only in January, April, July and October"),
    ("0 0 1 */1 *", "At 00:00, on day 1 of the month"),
    ("0 9 * 3,4 1", "At 09:00, on Monday, only in March and April"),
    ("0 0 13 2 5", "At 00:00, on day 13 of the month or on Friday, only in February"),
    ("0 0 29 feb *", "At 00:00, on day 29 of the month, only in February"),
]

TWELVE_HOUR_SENTENCES = [
    ("0 0 * * *", "At 12:00 am", "At 12:00 AM"),
    ("0 12 * * *", "At 12:00 pm", "At 12:00 PM"),
    ("15,45 8,20 * * *", "At 8:15 am, 8:45 am, 8:15 pm and 8:45 pm", "At 8:15 AM, 8:45 AM, 8:15 PM, and 8:45 PM"),
    ("*/5 9-17 * * *", "Every 5 minutes from 9:00 am through 5:55 pm", "Every 5 minutes from 9:00 AM through 5:55 PM"),
    ("30 */2 * * *", "Every 2 hours from 12:30 am through 10:30 pm", "Every 2 hours from 12:30 AM through 10:30 PM"),
    (
        "*/40 9-17 * * *",
        "At minutes 0 and 40 of the hours 9 am through 5 pm",
        "At minutes 0 and 40 of the hours 9 AM through 5 PM",
    ),
    (
        "*/15 */2 * * *",
        "Every 15 minutes of the hours 12 am, 2 am, 4 am, ..., 10 pm",
        "Every 15 minutes of the hours 12 AM, 2 AM, 4 AM, ..., 10 PM",
    ),
    (
        "*/40 * * * 1-5",
        "At minutes 0 and 40 of every hour, Monday through Friday",
        "At minutes 0 and 40 of every hour, Monday through Friday",
    ),
]

ANCHOR = datetime(2026, 11, 20, 13, 0, 5, tzinfo=UTC)
INTERVALS = [
    (1, "Every second"),
    (59, "Every 59 seconds"),
    (60, "Every minute"),
    (90, "Every 90 seconds"),
    (2_400, "Every 40 minutes"),
    (3_600, "Every hour"),
    (5_400, "Every 90 minutes"),
    (7_200, "Every 2 hours"),
    (86_400, "Every day"),
    (90_000, "Every 25 hours"),
    (604_800, "Every 7 days"),
    (10**15 + 1, "Every 1000000000000001 seconds"),
]


@pytest.mark.parametrize(("expression", "sentence"), SENTENCES)
def test_an_expression_reads_exactly_so(expression: str, sentence: str) -> None:
    assert describe(Cron.parse(expression)) == f"{sentence}, UTC time"


@pytest.mark.parametrize(("expression", "sentence", "american"), TWELVE_HOUR_SENTENCES)
def test_a_twelve_hour_clock_tells_the_halves_of_the_day(expression: str, sentence: str, american: str) -> None:
    assert describe(Cron.parse(expression), clock=12) == f"{sentence}, UTC time"
    assert describe(Cron.parse(expression), language="en-us") == f"{american}, UTC time"


@pytest.mark.parametrize("expression", [expression for expression, _ in SENTENCES])
def test_a_sentence_names_exactly_the_occurrences_that_follow(expression: str) -> None:
    cron = Cron.parse(expression, "UTC")
    reading = read(describe(cron))
    start = datetime(2028, 2, 27, tzinfo=UTC)
    minutes = [start + timedelta(minutes=count) for count in range(1, 4 * 24 * 60)]
    named = [
        minute
        for minute in minutes
        if (minute.hour, minute.minute) in reading.times
        and (minute.day, minute.month, minute.isoweekday() % 7) in reading.days
    ]
    assert list(cron.occurrences(start, minutes[-1])) == named


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_the_time_zone_ends_the_sentence(zone: str) -> None:
    assert describe(Cron.parse("30 2 * * *", zone)) == f"At 02:30, {zone} time"


@pytest.mark.parametrize(("seconds", "sentence"), INTERVALS)
def test_an_interval_uses_the_largest_even_unit(seconds: int, sentence: str) -> None:
    text = describe(Every(seconds, ANCHOR))
    assert text == f"{sentence}, counted from 2026-11-20 13:00:05 UTC"
    assert read_interval(text) == (seconds, ANCHOR)


def test_an_interval_on_a_twelve_hour_clock() -> None:
    text = describe(Every(90, ANCHOR), clock=12)
    assert text == "Every 90 seconds, counted from 2026-11-20 1:00:05 pm UTC"
    assert read_interval(text) == (90, ANCHOR)


def test_an_anchor_given_in_another_zone_is_told_in_utc() -> None:
    text = describe(Every(60, ANCHOR.astimezone(ZoneInfo("Asia/Tokyo"))))
    assert text == "Every minute, counted from 2026-11-20 13:00:05 UTC"


def test_english_is_the_default() -> None:
    assert describe(Cron.parse("30 2 * * *")) == describe(Cron.parse("30 2 * * *"), language="en")


def test_american_english_reads_the_time_from_twelve_hours() -> None:
    cron = Cron.parse("30 14 * * *")
    assert describe(cron, language="en-us") == "At 2:30 PM, UTC time"
    assert describe(cron, language="en-us", clock=24) == describe(cron, language="en") == "At 14:30, UTC time"


@pytest.mark.parametrize("language", ["xx", "DE", "en_US", "", "../en", "x" * 1_000, "\N{SNOWMAN}\n" * 1_000])
def test_another_language_is_refused_with_the_list_of_those_offered(language: str) -> None:
    with pytest.raises(UnknownLanguage, match="offered: cs, da, de, en, ") as refusal:
        describe(Cron.parse("30 2 * * *"), language=language)
    assert isinstance(refusal.value, TandemError)
    assert refusal.value.code == "unknown_language"
    assert len(refusal.value.detail) < 200
    assert refusal.value.detail.isascii()
    assert refusal.value.detail.isprintable()


def test_a_clock_is_of_twelve_or_twenty_four_hours() -> None:
    wrong: Literal[12, 24] = 13  # type: ignore[assignment]  # what an unchecked caller would pass
    with pytest.raises(ValueError, match="clock is 12 or 24"):
        describe(Cron.parse("30 2 * * *"), clock=wrong)


def test_the_locale_of_the_process_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    # Patched, as a German locale is seldom installed: cron-descriptor asks here for its language.
    monkeypatch.setattr(locale, "getlocale", lambda *_: ("de_DE", "UTF-8"))
    cron_descriptor.every.cache_clear()
    words._sentence.cache_clear()
    sentence = "Every 5 minutes from 1:00 pm through 1:55 pm, UTC time"
    assert describe(Cron.parse("*/5 13 * * *"), clock=12) == sentence
