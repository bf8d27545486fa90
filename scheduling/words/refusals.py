"""Refusals in every language that there is: `catalogues/refusals/<language>.toml`, by their English templates. Pure.

English is that of the code that refuses.
"""

from __future__ import annotations

from typing import Final

from scheduling.phrases import Phrase
from scheduling.words.phrase_files import phrases

FOLDER: Final = "refusals"


def refused(text: str, language: str) -> str:
    """A text in one of `languages()`, and so the phrases in it; as it is where it is no Phrase.

    A template that the language has no phrase for stays English: one without words is the same in all.
    """
    if not isinstance(text, Phrase):
        return text
    values = {name: refused(said, language) if isinstance(said, str) else said for name, said in text.values.items()}
    return phrases(FOLDER, language).get(text.template, text.template).format(**values)
