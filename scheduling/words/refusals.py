"""Refusals in every language that there is: `catalogues/refusals/<language>.toml`, by their English templates. Pure.

English is that of the code that refuses.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from scheduling.phrases import Phrase

FOLDER: Final = Path(__file__).parent / "catalogues" / "refusals"


def refused(text: str, language: str) -> str:
    """A text in one of `languages()`, and so the phrases in it; as it is where it is no Phrase.

    A template that the language has no phrase for stays English: one without words is the same in all.
    """
    if not isinstance(text, Phrase):
        return text
    values = {name: refused(said, language) if isinstance(said, str) else said for name, said in text.values.items()}
    return phrases_of(language).get(text.template, text.template).format(**values)


@lru_cache(maxsize=64)
def phrases_of(language: str) -> Mapping[str, str]:
    """The phrases of a language, by their English templates. Reads its file once in a process; none for English."""
    path = FOLDER / f"{language}.toml"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return tomllib.load(file)
