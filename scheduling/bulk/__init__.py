"""What is done when many schedules or tasks are asked for or changed at once? Each engine is written once."""

from __future__ import annotations

from scheduling.bulk.changes import Changed, change_all, delete_all
from scheduling.bulk.chosen import MOST, Chosen
from scheduling.bulk.creation import check_all, create_all, store_all
from scheduling.bulk.moving import MovedSchedule, move

__all__ = [
    "MOST",
    "Changed",
    "Chosen",
    "MovedSchedule",
    "change_all",
    "check_all",
    "create_all",
    "delete_all",
    "move",
    "store_all",
]
