"""Times, durations and statuses as people read them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from scheduling.lifecycle import Status

# Seconds.
_MINUTE: Final = 60
# Seconds.
_HOUR: Final = 60 * _MINUTE
# Seconds.
_DAY: Final = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Look:
    """How a status is shown: its colour by meaning (`tone`), its icon, and the word for it.

    `height` is that of its mark in a strip, of 16. A `hollow` mark is an outline: nothing ran.
    """

    word: str
    tone: str
    icon: str
    height: int
    hollow: bool = False


LOOKS: Final[dict[str, Look]] = {
    Status.SCHEDULED: Look("Scheduled", "wait", "clock", 6, hollow=True),
    Status.QUEUED: Look("Queued", "wait", "queue-list", 6),
    Status.RUNNING: Look("Running", "active", "play", 10),
    Status.RETRYING: Look("Retrying", "warn", "arrow-path", 10),
    Status.COMPLETED: Look("Completed", "good", "check-circle", 10),
    Status.FAILED: Look("Failed", "bad", "x-circle", 16),
    Status.CANCELLED: Look("Cancelled", "mute", "no-symbol", 6),
    Status.SKIPPED: Look("Skipped", "mute", "forward", 6, hollow=True),
    Status.MISSED: Look("Missed", "warn", "exclamation-triangle", 16, hollow=True),
}


def relative(at: datetime, now: datetime) -> str:
    """How far `at` is from `now`, in one unit: `in 5 min`, `3 h ago`, `now`."""
    seconds = (at - now).total_seconds()
    distance = abs(seconds)
    if distance < 1:
        return "now"
    text = _one_unit(distance)
    return f"in {text}" if seconds > 0 else f"{text} ago"


def duration(span: timedelta) -> str:
    """A span in at most two units, as exact as a reader needs: `84 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`."""
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    for unit, name, part, part_name in (
        (_MINUTE, "min", 1, "s"),
        (_HOUR, "h", _MINUTE, "min"),
        (_DAY, "d", _HOUR, "h"),
    ):
        if seconds < unit * {_MINUTE: 60, _HOUR: 24, _DAY: 10**9}[unit]:
            whole, rest = divmod(int(seconds), unit)
            return f"{whole} {name} {rest // part} {part_name}" if rest // part else f"{whole} {name}"
    raise AssertionError("every span has a unit")


def _one_unit(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.0f} h"
    return f"{seconds / _DAY:.0f} d"
