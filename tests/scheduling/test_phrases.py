"""A phrase is its English text, wherever it goes, and keeps how it was made."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from scheduling.phrases import Phrase, phrase

SAID = phrase("Write {low:g} to {high}, not '{text}'.", low=0.0, high=9, text="{low}")


def test_it_is_the_english_text() -> None:
    assert SAID == "Write 0 to 9, not '{low}'."
    assert json.loads(json.dumps({"detail": SAID})) == {"detail": str(SAID)}


@pytest.mark.parametrize("copied", [copy.copy(SAID), copy.deepcopy(SAID), pickle.loads(pickle.dumps(SAID))])  # noqa: S301 - our own bytes
def test_a_copy_is_a_phrase_too(copied: Phrase) -> None:
    assert copied == SAID
    assert (type(copied), copied.template, copied.values) == (Phrase, SAID.template, SAID.values)


def test_what_is_made_of_it_is_plain_text() -> None:
    assert {type(SAID + "!"), type(f"{SAID}"), type(SAID.strip())} == {str}
