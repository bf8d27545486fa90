"""Texts as cells of a CSV that a spreadsheet opens without running anything. Pure."""

from __future__ import annotations

from typing import Final

# What spreadsheets take for the start of a formula, in ASCII and in full width (OWASP: CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def safe(text: str) -> str:
    """The text, after an apostrophe where a spreadsheet would take it for a formula."""
    # Blanks before a formula do not stop every spreadsheet.
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
