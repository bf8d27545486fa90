"""The contract of a backend: the clock that wakes Tandem when a schedule is due."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar

from scheduling.difference import Difference
from scheduling.entry import Entry
from scheduling.errors import NotFound, Problem
from scheduling.findings import Finding
from scheduling.models import Schedule
from scheduling.plugins import Handlers
from scheduling.timing import Trigger


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend supports. A schedule that asks for no executor gets the first of `executors`.

    `seconds`: due times may have seconds. `per_host`: each entry belongs to one machine.
    """

    seconds: bool
    executors: tuple[str, ...]
    per_host: bool


@dataclass(frozen=True, slots=True)
class Foreign:
    """An entry of the engine that is not ours. `trigger` is None where no cron expression or interval says the same.

    `text` is its clock as the engine has it, and `runs` what it starts. `adoptable`: a review of this machine's crontab
    can make a schedule of it. `number`: `SchedulerBackend.adopt` can, or says why not.
    """

    name: str
    text: str
    runs: str
    trigger: Trigger | None = None
    enabled: bool = True
    adoptable: bool = False
    number: int | None = None


class WriteResult(Enum):
    """The result of a change: done and read back, or left to the agent of the schedule's host."""

    DONE = "done"
    LATER = "later"


class SchedulerBackend(ABC):
    """Holds native entries. They wake Tandem at each occurrence and perhaps more often; the ledger decides what is due.

    Every change is idempotent. `install`, `remove`, `sync` and `inspect` raise BackendError with the reason when the
    engine cannot be read or written. In that case nothing else is changed.
    """

    name: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    @abstractmethod
    def check(self, schedule: Schedule) -> list[Problem]:
        """Why this backend cannot hold the schedule; empty when it can."""

    def many_checks(self) -> AbstractContextManager[None]:
        """Inside of the block, `check` may answer with what it has already read of the engine."""
        return nullcontext()

    @abstractmethod
    def entries(self, schedule: Schedule) -> list[Entry]:
        """The native entries that the schedule needs on this backend. Writes nothing."""

    def wasted_wake_ups(self, schedule: Schedule) -> int | None:
        """How many wake-ups by the entries of the schedule find nothing due, in a year; None where none costs anything.

        Writes nothing.
        """
        return None

    @abstractmethod
    def install(self, schedule: Schedule) -> WriteResult:
        """Make the schedule's native entries exactly `entries(schedule)`."""

    @abstractmethod
    def remove(self, schedule: Schedule) -> WriteResult:
        """Remove the schedule's native entries. The schedule may already be deleted from the database."""

    def install_all(self, schedules: Sequence[Schedule]) -> dict[int, WriteResult]:
        """`install` for each of the schedules, which are all on one host. Returns the results by id.

        An error is about all of them. A backend whose engine is written as a whole writes it once.
        """
        return {schedule.pk: self.install(schedule) for schedule in schedules}

    def remove_all(self, schedules: Sequence[Schedule]) -> None:
        """`remove` for each of the schedules, which are all on one host. An error is about all of them."""
        for schedule in schedules:
            self.remove(schedule)

    @abstractmethod
    def sync(self) -> None:
        """Make all native entries within reach match the database, and remove those of unknown schedules."""

    @abstractmethod
    def desired(self) -> list[Entry]:
        """The entries that, according to the database, should exist within reach of this process."""

    @abstractmethod
    def inspect(self) -> list[Entry]:
        """The entries that exist within reach of this process."""

    def differences(self) -> Sequence[Difference]:
        """What else is wrong within reach, besides what a comparison of `inspect` with `desired` shows.

        What it says of an entry takes the place of what the comparison would say. Raises BackendError.
        """
        return ()

    def foreign(self, *, most: int) -> Sequence[Foreign]:
        """The first entries within reach that are not ours; none where this backend does not look. For people.

        Raises BackendError.
        """
        return ()

    def adopt(self, number: int, *, now: datetime) -> Schedule:
        """Make a schedule of the foreign entry with this number. It takes its place: no run is lost or made twice.

        Raises NotFound, Conflict with the reason why it can be no schedule, and InvalidRequest.
        """
        raise NotFound(f"{self.name} has no entry {number} that can become a schedule.")

    @abstractmethod
    def health(self) -> Finding:
        """Whether the backend works now. The finding has the backend's name. Never raises."""


# The abstract class is used only for isinstance.
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


@contextmanager
def many_checks() -> Iterator[None]:
    """Inside of the block many schedules are checked: each engine that has to be read for that is read once."""
    with ExitStack() as stack:
        for each in all_backends():
            stack.enter_context(each.many_checks())
        yield
