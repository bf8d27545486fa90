"""The phrases of a language, from a folder with one file for each: `catalogues/<folder>/<language>.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

CATALOGUES: Final = Path(__file__).parent / "catalogues"


@lru_cache(maxsize=128)
def phrases(folder: str, language: str) -> Mapping[str, str]:
    """The phrases by their names. Reads the file once in a process; none for English, whose texts are in the code."""
    path = CATALOGUES / folder / f"{language}.toml"
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return tomllib.load(file)
