"""Every language says what English says, in words of its own."""

from __future__ import annotations

import re
import string
from collections import Counter
from dataclasses import fields
from datetime import UTC, datetime

import pytest
from babel import Locale
from hypothesis import given, settings

from scheduling.errors import InvalidTrigger
from scheduling.timing.cron import Cron
from scheduling.timing.every import Every
from scheduling.words import (
    UnknownLanguage,
    accepted,
    at_start,
    clock_of,
    describe,
    language_name,
    languages,
    matching,
    sentences,
)
from scheduling.words.catalogue import Catalogue, catalogue, codes
from tests.scheduling.words.test_words import SENTENCES
from tests.scheduling.words.test_words_are_true import EXPRESSIONS

OTHERS = codes()
ANCHOR = datetime(2026, 11, 20, 13, 0, 5, tzinfo=UTC)
# Words that English shares with a language; they are at home in both.
SHARED = {
    "de": {"in", "minute", "april", "august", "september", "november"},
    "fr": {"minute", "minutes"},
    "nl": {"in", "is", "of", "april", "september", "november"},
    "da": {"time", "april", "august", "september", "november"},
    "fi": {"on"},
    "nb": {"time", "april", "august", "september", "november"},
    "sv": {"april", "september", "november"},
}
PLACEHOLDERS = {
    "at_time": {"times"}, "at_times": {"times"}, "between": {"every", "first", "last"},
    "minute_of_every_hour": {"minutes"}, "minutes_of_every_hour": {"minutes"}, "at_minute": {"minutes"},
    "at_minutes": {"minutes"}, "in_hour": {"at", "hours"}, "in_hours": {"at", "hours"}, "on_date": {"dates"},
    "on_dates": {"dates"}, "on_weekday": {"weekdays"}, "on_weekdays": {"weekdays"}, "either": {"dates", "weekdays"},
    "both": {"dates", "weekdays"}, "in_month": {"days", "months"}, "in_months": {"days", "months"},
    "number_range": {"first", "last"}, "weekday_range": {"first", "last"}, "month_range": {"first", "last"},
    "sentence": {"time", "days", "zone"}, "any_day": {"time", "zone"}, "interval": {"every", "date", "time"},
}  # fmt: skip
MONTHS = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fi": "tammikuu helmikuu maaliskuu huhtikuu toukokuu kesäkuu heinäkuu elokuu syyskuu lokakuu marraskuu joulukuu",
    "pl": "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień",
    "ja": "1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月",
    "ko": "1월 2월 3월 4월 5월 6월 7월 8월 9월 10월 11월 12월",
    "zh": "一月 二月 三月 四月 五月 六月 七月 八月 九月 十月 十一月 十二月",
    "ru": "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь",
}


def english_words() -> set[str]:
    texts = [describe(Cron.parse(expression), clock=24) for expression, _ in SENTENCES]
    texts += [describe(Every(seconds, ANCHOR)) for seconds in (1, 2, 60, 120, 3600, 7200, 86_400, 172_800)]
    texts.append(at_start())
    names = Locale.parse("en")
    texts += [*names.months["format"]["wide"].values(), *names.days["format"]["wide"].values()]
    return set(re.findall("[a-z]+", " ".join(texts).lower())) - {"utc"}


ENGLISH = english_words()


def test_at_least_twelve_languages_are_offered() -> None:
    assert {"en", "de", "fr", "es", "it", "pt", "nl", "pl", "cs", "ru", "uk", "tr", "ja", "zh", "ko"} <= set(
        languages()
    )


@pytest.mark.parametrize("language", OTHERS)
def test_every_phrase_is_there_with_the_same_placeholders(language: str) -> None:
    phrases = catalogue(language)
    for field in fields(Catalogue):
        value = getattr(phrases, field.name)
        if isinstance(value, str) and field.name not in {"am", "pm"}:
            found = {name for _, name, _, _ in string.Formatter().parse(value) if name}
            assert value, field.name
            assert found == PLACEHOLDERS.get(field.name, set()), field.name


@pytest.mark.parametrize("language", OTHERS)
def test_every_unit_has_a_phrase_for_each_plural_form(language: str) -> None:
    phrases = catalogue(language)
    needed = {Locale.parse(phrases.locale).plural_form(count) for count in range(2, 1_000)}
    for unit in (phrases.second, phrases.minute, phrases.hour, phrases.day):
        assert needed | {"each", "other"} == set(unit) | {"other"}
        assert all(("{n}" in phrase) == (category != "each") for category, phrase in unit.items())


def test_one_phrase_too_many_or_too_few_is_no_catalogue() -> None:
    with pytest.raises(TypeError):
        Catalogue(language="half")  # type: ignore[call-arg]  # what a file with one line would give


@pytest.mark.parametrize("language", OTHERS)
def test_no_english_word_is_in_another_language(language: str) -> None:
    texts = [describe(Cron.parse(one), language=language, clock=24) for one, _ in SENTENCES]
    texts += [describe(Every(seconds, ANCHOR), language=language, clock=24) for seconds in (1, 90, 60, 3600, 86_400)]
    texts.append(at_start(language=language))
    for text in texts:
        words = set(re.findall(r"[^\W\d_]+", text.lower()))
        assert not words & (ENGLISH - SHARED.get(language, set())), text


def numbers_and_names(text: str, language: str) -> Counter[str]:
    """The numbers, weekdays and months in a text, as often as they are there. A month's name may be a number."""
    if language == "en":
        months = list(Locale.parse("en").months["format"]["wide"].values())
        weekdays = list(Locale.parse("en").days["format"]["wide"].values())
    else:
        phrases = catalogue(language)
        months = list(Locale.parse(phrases.locale).months[phrases.month_names]["wide"].values())
        weekdays = list(Locale.parse(phrases.locale).days[phrases.weekday_names]["wide"].values())
    names = {name: f"month{index}" for index, name in enumerate(months)}
    names |= {name: f"weekday{index}" for index, name in enumerate(weekdays)}
    edge = "" if language in {"ja", "zh", "ko"} else r"\b"
    # The longest first: 11月 holds 1月.
    alternatives = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    found: Counter[str] = Counter(names[name] for name in re.findall(f"{edge}(?:{alternatives}){edge}", text))
    rest = re.sub(f"{edge}(?:{alternatives}){edge}", " ", text)
    found.update(str(int(number)) for number in re.findall(r"\d+", rest))
    return found


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS)
def test_each_language_names_the_times_and_days_that_english_names(expression: str) -> None:
    try:
        cron = Cron.parse(expression)
    except InvalidTrigger:
        return  # 30 February
    said = numbers_and_names(describe(cron, language="en", clock=24), "en")
    for language in OTHERS:
        text = describe(cron, language=language, clock=24)
        assert numbers_and_names(text, language) == said, (language, text)


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("seconds", [1, 2, 5, 21, 22, 60, 120, 300, 1_260, 3_600, 18_000, 86_400, 432_000])
def test_intervals_name_their_number_and_their_anchor(language: str, seconds: int) -> None:
    every = Every(seconds, ANCHOR)
    text = describe(every, language=language, clock=24)
    assert numbers_and_names(text, language) == numbers_and_names(describe(every), "en"), text


@pytest.mark.parametrize("language", OTHERS)
def test_or_and_and_between_the_day_fields_read_differently(language: str) -> None:
    either = describe(Cron.parse("0 0 1,13,25 * 5"), language=language)
    both = describe(Cron.parse("0 0 */12 * 5"), language=language)
    assert either != both


@pytest.mark.parametrize(("language", "names"), MONTHS.items())
def test_months_are_those_of_the_language_whoever_was_asked_before(language: str, names: str) -> None:
    for other in OTHERS:
        describe(Cron.parse("0 0 1 5 1"), language=other)
    phrases = catalogue(language)
    assert " ".join(sentences._month_names.__wrapped__(phrases.locale, phrases.month_names)[1:]) == names


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("de", "In den Minuten 0 und 40 jeder Stunde, am Tag 13 des Monats oder am Freitag, Zeitzone UTC"),
        ("fr", "Aux minutes 0 et 40 de chaque heure, le jour 13 du mois ou le vendredi, fuseau horaire UTC"),
        ("es", "En los minutos 0 y 40 de cada hora, el día 13 del mes o el viernes, zona horaria UTC"),
        ("ru", "В минуты 0 и 40 каждого часа, в день месяца 13 или в день недели: пятница, часовой пояс UTC"),  # noqa: RUF001 - Russian
    ],
)
def test_a_sentence_reads_exactly_so(language: str, sentence: str) -> None:
    assert describe(Cron.parse("*/40 * 13 * 5"), language=language) == sentence


@pytest.mark.parametrize(
    ("step", "sentence"),
    [("*/2", "Каждые 2 минуты"), ("*/5", "Каждые 5 минут"), ("*", "Каждую минуту")],
)
def test_russian_counts_in_its_own_way(step: str, sentence: str) -> None:
    assert describe(Cron.parse(f"{step} * * * *"), language="ru").startswith(sentence)
    twenty_one = describe(Every(21 * 60, ANCHOR), language="ru")
    assert twenty_one.startswith("Каждые 21 минуту")


@pytest.mark.parametrize(
    ("language", "half"), [("ko", "오후"), ("ja", "午後"), ("de", "nachm."), ("ru", "ПП"), ("cs", "odp.")]
)
def test_halves_of_the_day_are_words_of_the_language(language: str, half: str) -> None:
    text = describe(Cron.parse("30 14 * * *"), language=language, clock=12)
    assert half in text
    assert "PM" not in text
    assert "2:30" in text


def test_the_clock_is_the_languages_own() -> None:
    assert {language: clock_of(language) for language in ("en", "en-us", "de", "ko")} == {
        "en": 24, "en-us": 12, "de": 24, "ko": 12,
    }  # fmt: skip
    assert "14:30" in describe(Cron.parse("30 14 * * *"), language="de")
    assert "2:30" in describe(Cron.parse("30 14 * * *"), language="ko")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", "de"), ("de-AT", "de"), ("DE-at", "de"), ("en-US,en;q=0.9", "en-us"), ("en-GB", "en"), ("", None),
        ("sw, fr;q=0.5", "fr"), ("fr;q=0.2, de;q=0.8", "de"), ("de;q=0, fr", "fr"), ("*", "en"), ("sw, *;q=0.1", "en"),
        ("zh-CN", "zh"), ("zh-Hans-CN", "zh"), ("zh-TW, en;q=0.1", "en"), ("no", "nb"), ("pt-BR", "pt"), (";;,", None),
    ],
)  # fmt: skip
def test_the_language_liked_best_is_taken(header: str, language: str | None) -> None:
    assert accepted(header) == language


@pytest.mark.parametrize("header", ["sw", "zh-TW", "xx, yy;q=0.5", "sw;q=1"])
def test_a_header_that_accepts_nothing_offered_is_refused(header: str) -> None:
    with pytest.raises(UnknownLanguage, match="offered: "):
        accepted(header)


def test_a_tag_finds_its_language_in_any_case() -> None:
    assert [matching(tag) for tag in ("DE", "de-CH", "EN-us", "nb-NO")] == ["de", "de", "en-us", "nb"]
    for tag in ("", "x" * 500, "zh-Hant", "de_AT"):
        with pytest.raises(UnknownLanguage):
            matching(tag)


def test_languages_know_their_own_names() -> None:
    assert [language_name(one) for one in ("en-us", "de", "ja")] == ["English", "Deutsch", "日本語"]
