"""What a backend installs in its engine for a schedule. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One native entry that wakes Tandem. `text` is the entry as the engine itself shows it.

    `schedule_ids`: the schedules it wakes, ascending, as far as they are known. Two entries are equal when the texts
    are equal. `scheduling.drift` relies on that.
    """

    text: str
    schedule_ids: tuple[int, ...] = field(default=(), compare=False)
