"""What is the key of a schedule? A short name for programs, unique among the schedules of one owner."""

from __future__ import annotations

import re
import secrets
from typing import Final

from django.utils.text import slugify

from scheduling.phrases import phrase

# Nobody types a longer one; it also fits into one line of a log.
LONGEST: Final = 100
WHAT_TO_WRITE: Final = phrase(
    "Write lower-case letters, digits, dots, dashes and underscores, at most {most}; a letter or digit first.",
    most=LONGEST,
)
_FORM: Final = re.compile(rf"[a-z0-9][a-z0-9._-]{{0,{LONGEST - 1}}}", re.ASCII)
# Room for what `another` adds.
_LONGEST_SLUG: Final = LONGEST - 12


def is_key(text: str) -> bool:
    """Whether the text has the form of a key."""
    return _FORM.fullmatch(text) is not None


def of_name(name: str) -> str:
    """The key that is made from a name: "Nightly report" is `nightly-report`.

    A name without Latin letters and digits, of which nothing would be left, gets a key of its own.
    """
    return slugify(name)[:_LONGEST_SLUG].strip("-_") or unnamed()


def another(name: str) -> str:
    """A key for a schedule whose name has given its key to another schedule already."""
    return f"{slugify(name)[:_LONGEST_SLUG].strip('-_') or 'schedule'}-{secrets.token_hex(5)}"


def unnamed() -> str:
    """A key that no other schedule has."""
    return another("schedule")
