"""A text for people that can be said in another language, too: English, which knows how it was made. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self


class Phrase(str):
    """The English text itself. `template.format(**values)` makes it; a value may be a Phrase.

    What is made of it in any other way (`+`, an f-string, `strip`) is a plain str, and stays English.
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, values: Mapping[str, object]) -> Self:
        made = super().__new__(cls, template.format(**values))
        made.template = template
        made.values = values
        return made

    def __reduce__(self) -> tuple[type[Phrase], tuple[str, Mapping[str, object]]]:
        return Phrase, (self.template, self.values)


def phrase(template: str, /, **values: object) -> Phrase:
    """The Phrase of this English template. Write the template as one literal: the catalogues know it by its text."""
    return Phrase(template, values)
