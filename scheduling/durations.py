"""A duration as a request writes it: whole seconds, or ISO 8601. Pure."""

from __future__ import annotations

import re
from typing import Final

WHAT_TO_WRITE: Final = "Write whole seconds (300) or an ISO 8601 duration (PT5M)."

# ISO 8601 without years and months, which have no fixed length, and without fractions.
_ISO_8601: Final = re.compile(
    r"P(?=[0-9T])((?P<weeks>[0-9]+)W|((?P<days>[0-9]+)D)?"
    r"(T(?=[0-9])((?P<hours>[0-9]+)H)?((?P<minutes>[0-9]+)M)?((?P<seconds>[0-9]+)S)?)?)"
)
# Days of exactly 24 hours: a duration knows no clock changes.
_SECONDS_IN: Final = {"weeks": 7 * 86_400, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def seconds(given: object) -> int:
    """The seconds that a JSON value stands for; a number stays what it is, also below zero.

    Raises ValueError(WHAT_TO_WRITE).
    """
    if isinstance(given, int) and not isinstance(given, bool):
        return given
    found = _ISO_8601.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise ValueError(WHAT_TO_WRITE)
    try:
        return sum(int(count) * _SECONDS_IN[unit] for unit, count in found.groupdict("0").items())
    except ValueError as exc:  # Python reads at most 4,300 digits
        raise ValueError(WHAT_TO_WRITE) from exc
