"""Refusals in other languages: each catalogue has every template of the code, with the same values."""

from __future__ import annotations

import pytest

from scheduling.errors import InvalidTrigger
from scheduling.phrases import phrase
from scheduling.timing import Cron
from scheduling.words import languages
from scheduling.words.phrase_files import CATALOGUES, phrases
from scheduling.words.refusals import FOLDER, refused
from tests.scheduling.words.refusal_templates import placeholders, templates

# Every language but English, whose texts are those of the code.
TRANSLATED = sorted(set(languages()) - {"en", "en-us"})


def refusal_of(expression: str) -> str:
    with pytest.raises(InvalidTrigger) as refusal:
        Cron.parse(expression)
    return refusal.value.detail


def test_there_is_a_catalogue_for_each_language_and_no_other() -> None:
    assert sorted(path.stem for path in (CATALOGUES / FOLDER).glob("*.toml")) == TRANSLATED


def test_the_templates_are_found() -> None:
    assert {"Write one of {known}.", "a blank ends a field", "The request is not valid: see errors."} <= set(
        templates()
    )


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_has_every_template_and_no_other(language: str) -> None:
    assert set(phrases(FOLDER, language)) == set(templates())


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_shows_the_same_values(language: str) -> None:
    for template, said in phrases(FOLDER, language).items():
        assert placeholders(said) == placeholders(template), template
        assert said.strip() == said != "", template


def test_a_refusal_is_said_with_the_reason_in_it() -> None:
    detail = refusal_of("0 24 * * *")
    assert detail == "hour field, '24': values are 0 to 23; write 0"
    assert refused(detail, "de") == "Feld hour, „24“: erlaubt ist 0 bis 23; 0 schreiben"
    assert refused(detail, "en") == detail


def test_a_text_without_words_is_said_with_what_is_in_it() -> None:
    said = phrase("{field}: {problem}", field="name", problem=phrase("Write a name."))
    assert said == "name: Write a name."
    assert refused(said, "de") == "name: Einen Namen schreiben."


def test_what_is_no_phrase_stays_as_it_is() -> None:
    text = "Something else: {known}."
    assert refused(text, "de") is text
