"""How an engine differs from what the schedules say. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DifferenceKind(StrEnum):
    """What is wrong with an entry, or with the table that holds it."""

    MISSING = "missing"
    CHANGED = "changed"
    LEFT_OVER = "left_over"
    FOREIGN_INSIDE = "foreign_inside"
    MOVED = "moved"
    DOUBLED = "doubled"
    DISABLED = "disabled"
    MARKERS = "markers"


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `text` is the entry that is missing, or for every other kind what was found.

    `schedule_ids` are the schedules that it concerns, as far as that can be told. `instead_of` is what should have been
    there; empty where nothing should.
    """

    kind: DifferenceKind
    text: str
    schedule_ids: tuple[int, ...] = ()
    instead_of: str = ""

    @property
    def wanted(self) -> str:
        """What should be there; empty for nothing."""
        return self.text if self.kind is DifferenceKind.MISSING else self.instead_of

    @property
    def found(self) -> str:
        """What is there; empty for nothing."""
        return "" if self.kind is DifferenceKind.MISSING else self.text
