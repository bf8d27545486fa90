"""The contract of an executor: where a task runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from scheduling.findings import Finding
from scheduling.models import Task
from scheduling.plugins import Handlers


@dataclass(frozen=True, slots=True)
class Submission:
    """Which of the tasks were handed over. With an `error`, the others were perhaps not: they will be sent again."""

    handed_over: Sequence[Task]
    error: str = ""


class Executor(ABC):
    """Takes QUEUED tasks and has each (task, attempt) claimed and run, once or several times: the claim admits one."""

    name: ClassVar[str]
    # True: submit() itself runs the tasks, here and now. Only a process that was woken for that may call it.
    in_process: ClassVar[bool]

    @abstractmethod
    def submit(self, tasks: Sequence[Task]) -> Submission:
        """Hand the tasks over, in order. A broker that is away is an `error` of the submission, not an exception."""

    def waiting(self) -> int | None:
        """How many tasks were handed over and not taken yet, within two seconds. None where nobody can say just now.

        Never raises. What is None here is never taken for lost.
        """
        return None

    def health(self) -> Sequence[Finding]:
        """Whether tasks can be handed over just now, within two seconds. Never raises; empty where that is sure."""
        return ()

    def processes(self) -> Sequence[Finding]:
        """Whether somebody runs what is handed over, within a few seconds. Never raises; as `health`."""
        return ()


_handlers: Handlers[Executor] = Handlers("TANDEM_EXECUTORS", Executor)  # type: ignore[type-abstract]  # only for isinstance


def executor(name: str) -> Executor:
    """The executor called `name`; raises NotFound."""
    return _handlers.get(name)


def executor_names() -> tuple[str, ...]:
    """The configured executors."""
    return _handlers.names()
