"""The contract of a backend: the clock that wakes us for a schedule."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

from scheduling.entry import Entry
from scheduling.errors import Problem
from scheduling.findings import Finding
from scheduling.models import Schedule
from scheduling.plugins import Handlers


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can hold. The first executor is the one a schedule gets that does not ask for any."""

    seconds: bool
    executors: tuple[str, ...]
    per_host: bool


class Outcome(Enum):
    """What came of a change: done and read back, or left to the agent of the host it belongs to."""

    DONE = "done"
    LATER = "later"


class SchedulerBackend(ABC):
    """Holds native entries that wake us at a superset of each schedule's occurrences; the ledger decides the rest.

    Every change is idempotent. `install`, `remove`, `sync` and `inspect` raise BackendError with the reason when the
    engine cannot
    be written or read; nothing else is changed then.
    """

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    @abstractmethod
    def check(self, schedule: Schedule) -> list[Problem]:
        """Why this backend cannot hold the schedule; empty when it can."""

    @abstractmethod
    def entries(self, schedule: Schedule) -> list[Entry]:
        """What the schedule looks like here. Writes nothing."""

    @abstractmethod
    def install(self, schedule: Schedule) -> Outcome:
        """Make the schedule's native entries exactly `entries(schedule)`."""

    @abstractmethod
    def remove(self, schedule: Schedule) -> Outcome:
        """Take the schedule's native entries away; `schedule.pk` may be gone from the database already."""

    @abstractmethod
    def sync(self) -> None:
        """Make all native entries within reach what the database says, and drop those of unknown schedules."""

    @abstractmethod
    def desired(self) -> list[Entry]:
        """The entries that should be within reach of this process, by the database."""

    @abstractmethod
    def inspect(self) -> list[Entry]:
        """The entries that are really there, within reach of this process."""

    @abstractmethod
    def health(self) -> Finding:
        """Whether it works now, under the backend's name. Never raises."""


# The abstract class is only asked for isinstance.
_handlers: Handlers[SchedulerBackend] = Handlers("TANDEM_BACKENDS", SchedulerBackend)  # type: ignore[type-abstract]


def backend(name: str) -> SchedulerBackend:
    """The backend called `name`; raises NotFound."""
    return _handlers.get(name)


def backend_names() -> tuple[str, ...]:
    """The configured backends."""
    return _handlers.names()


def all_backends() -> Sequence[SchedulerBackend]:
    """Every configured backend."""
    return [backend(name) for name in backend_names()]
