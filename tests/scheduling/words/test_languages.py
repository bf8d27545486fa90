"""Every language says what English says, in words of its own."""

from __future__ import annotations

import re
import string
from collections import Counter
from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime
from importlib import resources
from itertools import product

import pytest
from babel import Locale
from hypothesis import given, settings

from scheduling.errors import InvalidTrigger
from scheduling.timing.cron import Cron
from scheduling.timing.every import Every
from scheduling.words import (
    UnknownLanguage,
    at_start,
    clock_of,
    cron_descriptor,
    describe,
    language_name,
    languages,
    matching,
    sentences,
)
from scheduling.words.catalogue import UNITS, Catalogue, catalogue, codes
from tests.scheduling.words.test_words import SENTENCES
from tests.scheduling.words.test_words_are_true import EXPRESSIONS

OTHERS = tuple(code for code in codes() if code not in {"en", "en-us"})
ANCHOR = datetime(2026, 11, 20, 13, 0, 5, tzinfo=UTC)
COUNTS = (*range(1, 130), 1_000, 86_399, 10**6)
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
    "every_day_in": {"months"}, "on_weekday_range": {"weekdays"},
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


@pytest.mark.parametrize("language", codes())
def test_every_phrase_is_there_with_the_same_placeholders(language: str) -> None:
    phrases = catalogue(language)
    for field in fields(Catalogue):
        value = getattr(phrases, field.name)
        if isinstance(value, str) and (value or field.default is MISSING):
            found = {name for _, name, _, _ in string.Formatter().parse(value) if name}
            assert value, field.name
            assert found == PLACEHOLDERS.get(field.name, set()), field.name


@pytest.mark.parametrize("language", codes())
def test_a_table_of_a_unit_has_a_phrase_for_each_plural_form(language: str) -> None:
    phrases = catalogue(language)
    needed = {Locale.parse(phrases.locale).plural_form(count) for count in range(2, 1_000)}
    assert set(phrases.every) <= set(UNITS)
    for unit in phrases.every.values():
        assert needed | {"each", "other"} == set(unit) | {"other"}
        assert all(("{n}" in phrase) == (category != "each") for category, phrase in unit.items())


LOCALES = {file.name.removesuffix(".mo") for file in (resources.files("cron_descriptor") / "locale").iterdir()}


@pytest.mark.parametrize("language", codes())
def test_a_unit_has_a_table_only_where_cron_descriptor_says_something_else(language: str) -> None:
    phrases = catalogue(language)
    # Where it does not know a locale it answers in English.
    assert {phrases.cron_descriptor} - {""} <= LOCALES
    for locale, unit in product(sorted(LOCALES), phrases.every):
        if locale.startswith(f"{language}_"):
            said = [cron_descriptor.every(count, unit, locale=locale) for count in COUNTS]
            assert said != [sentences._every(count, unit, phrases) for count in COUNTS], unit


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", ["jede Sekunde", "alle 2 Sekunden", "jeden Tag", "alle 5 Tage"]),
        ("fr", ["toutes les secondes", "toutes les 2 secondes", "tous les jours", "tous les 5 jours"]),
        ("tr", ["her saniye", "her 2 saniyede bir", "her gün", "her 5 günde bir"]),
        ("ko", ["매초", "2초마다", "매일", "5일마다"]),
    ],
)
def test_cron_descriptor_and_tables_read_alike(language: str, said: list[str]) -> None:
    phrases = catalogue(language)
    steps: list[tuple[int, cron_descriptor.Unit]] = [(1, "second"), (2, "second"), (1, "day"), (5, "day")]
    assert [sentences._every(count, unit, phrases) for count, unit in steps] == said


def test_a_catalogue_without_words_for_a_unit_is_refused() -> None:
    phrases = catalogue("ja")
    with pytest.raises(TypeError, match="no phrase for day"):
        replace(phrases, every={unit: forms for unit, forms in phrases.every.items() if unit != "day"})


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


def test_a_tag_finds_its_language_in_any_case() -> None:
    assert [matching(tag) for tag in ("DE", "de-CH", "EN-us", "nb-NO")] == ["de", "de", "en-us", "nb"]
    for tag in ("", "x" * 500, "zh-Hant", "de_AT"):
        with pytest.raises(UnknownLanguage):
            matching(tag)


def test_the_first_tag_that_is_offered_is_taken() -> None:
    assert matching("sw", "zh-TW", "fr", "de") == "fr"
    with pytest.raises(UnknownLanguage, match=r"'sw, zh-TW'; offered: cs, da, de, en, "):
        matching("sw", "zh-TW")


def test_languages_know_their_own_names() -> None:
    assert [language_name(one) for one in ("en-us", "de", "ja")] == ["English", "Deutsch", "日本語"]
