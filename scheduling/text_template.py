"""`{name}` in a text stands for a value. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

NAME: Final = r"[a-z_][a-z0-9_]*"
PLACEHOLDER: Final = re.compile(rf"\{{({NAME})\}}")


def names(text: str) -> set[str]:
    """The names that stand in a text."""
    return set(PLACEHOLDER.findall(text))


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with each name of `values` replaced; a name that is none of them stays.

    A value that looks like a placeholder stays what it is.
    """
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)
