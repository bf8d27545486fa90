"""The contract of an executor: where a task runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from scheduling.findings import Finding
from scheduling.models import Task
from scheduling.plugins import Handlers


@dataclass(frozen=True, slots=True)
class Submission:
    """Which tasks were handed over. With an `error`, it is not known for the other tasks: they are sent again."""

    handed_over: Sequence[Task]
    error: str = ""


class Executor(ABC):
    """Takes QUEUED tasks, and has each (task, attempt) claimed and run.

    It may do so several times for one attempt: only one claim succeeds.
    """

    name: ClassVar[str]
    # True: submit() runs the tasks in the calling process. Only a process that was woken for that may call it.
    in_process: ClassVar[bool]

    @abstractmethod
    def submit(self, tasks: Sequence[Task]) -> Submission:
        """Hand the tasks over, in order. When the broker does not answer, that is the `error`; nothing is raised.

        Tasks of a batch hold what the executors here need, and read anything else from the database when asked for it.
        """

    def prepare(self) -> None:  # noqa: B027 - not every executor has something to load
        """Load what `submit` needs, before the first task is due. Nothing is connected; again and again it is free."""

    def queue_of(self, queue: str) -> str:
        """The name of the queue where a task waits that has this `queue` ('': the default queue).

        '' when the executor has no queues with names. The processes that take its tasks have rows of the kind `name`,
        with the names of the queues that they serve (scheduling.models.Process).
        """
        return ""

    def waiting(self, queues: Collection[str]) -> Mapping[str, int]:
        """How many tasks are handed over and not taken yet, for each of the queues (names as `queue_of` gives them).

        A queue that cannot be counted now is left out: none of its messages count as lost. Answers within two seconds
        and never raises.
        """
        return {}

    def health(self) -> Sequence[Finding]:
        """Whether tasks can be handed over now; empty when that cannot fail. Takes up to two seconds, never raises."""
        return ()

    def processes(self) -> Sequence[Finding]:
        """Whether processes run that take the tasks; empty when none are needed. Takes a few seconds, never raises."""
        return ()


_handlers: Handlers[Executor] = Handlers("TANDEM_EXECUTORS", Executor)  # type: ignore[type-abstract]  # only for isinstance


def executor(name: str) -> Executor:
    """The executor called `name`; raises NotFound."""
    return _handlers.get(name)


def executor_names() -> tuple[str, ...]:
    """The configured executors."""
    return _handlers.names()
