"""Which version this is. `pyproject.toml` says it, and nothing else does; the image holds a copy of that file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final


def version_in(project: str) -> str:
    """The version that the text of a pyproject.toml names. Raises KeyError where it names none."""
    return str(tomllib.loads(project)["project"]["version"])


VERSION: Final = version_in((Path(__file__).resolve().parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
