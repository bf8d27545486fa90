"""What a backend installs in its engine for a schedule. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One native entry that wakes Tandem for a schedule. `text` is the entry as the engine itself shows it.

    Two entries are equal when both fields are equal. `scheduling.drift` relies on that.
    """

    schedule_id: int
    text: str
