"""What does a host know of a run that had no database? It is written down there, and told to the ledger later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from scheduling.models import Schedule
from scheduling.storable import Json


class RunEnd(StrEnum):
    """How a run ended. LOST: its process was told to end while the job ran."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    LOST = "LOST"


@dataclass(frozen=True, slots=True)
class LoggedLine:
    """One line that the job logged."""

    at: datetime
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the job came, as it last reported."""

    done: int
    total: int
    message: str


@dataclass(frozen=True, slots=True)
class EndedRun:
    """The end of a run. `retry_in` is in seconds; None where no other attempt follows."""

    how: RunEnd
    finished_at: datetime
    result: Json = None
    error: str = ""
    traceback: str = ""
    retry_in: float | None = None
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class StartedRun:
    """The beginning of a run: the schedule as the host knew it, and who ran it.

    `run_id` is unique. `worker` and `process` are what an attempt of the ledger has.
    """

    run_id: str
    schedule: Schedule
    host: str
    worker: str
    process: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class SpooledRun:
    """One occurrence that a host has begun without the database.

    `started` is None where its record cannot be read; `ended` is None where nobody wrote how it ended.
    """

    schedule_id: int
    due_at: datetime
    started: StartedRun | None = None
    lines: tuple[LoggedLine, ...] = ()
    ended: EndedRun | None = None
