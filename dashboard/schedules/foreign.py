"""What the engines run that is not Tandem's: PeriodicTasks, and lines of this machine's crontab, in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scheduling.backend import Foreign, all_backends
from scheduling.errors import BackendError
from scheduling.words import describe

# Of each backend: they are shown below our own schedules, and their own tools show all of them.
MOST: Final = 10


@dataclass(frozen=True, slots=True)
class ForeignRow:
    """One line. `words` say when it runs, and are the engine's own text where no words of ours are true for it."""

    backend: str
    entry: Foreign
    words: str
    next_at: datetime | None


def foreign_rows(*, language: str, now: datetime) -> tuple[list[ForeignRow], list[str]]:
    """The lines, and why a backend could not be read. The number of statements is fixed."""
    rows, refusals = [], []
    for each in all_backends():
        try:
            rows += [_row(each.name, entry, language, now) for entry in each.foreign(most=MOST)]
        except BackendError as exc:
            refusals.append(exc.detail)
    return rows, refusals


def _row(backend: str, entry: Foreign, language: str, now: datetime) -> ForeignRow:
    if entry.trigger is None:
        return ForeignRow(backend, entry, entry.text, None)
    next_at = entry.trigger.next(now) if entry.enabled else None
    return ForeignRow(backend, entry, describe(entry.trigger, language=language), next_at)
