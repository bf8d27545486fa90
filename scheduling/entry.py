"""What a backend installs natively. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One native entry that wakes us for a schedule; `text` is how the engine itself would show it.

    Two entries are the same when all of this is the same: that is what drift compares.
    """

    schedule_id: int
    text: str
