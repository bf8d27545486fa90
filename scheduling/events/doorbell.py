"""The contract of a doorbell: it says at once that the event log has grown, so that nobody has to keep asking.

The log is the truth, a ring may get lost: who listens looks into the log by itself now and then.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence

from django.db import transaction

from scheduling.handlers import Handlers

# Called in a thread of the doorbell's own, with the tasks that something happened to; with none: perhaps to any.
Heard = Callable[[Collection[int]], None]


class Doorbell(ABC):
    """Carries rings from the processes that write events to those that show them."""

    @abstractmethod
    def ring(self, task_ids: Sequence[int]) -> None:
        """Tell every listener, in any process. Returns at once and raises nothing, whatever carries it."""

    @abstractmethod
    def listen(self, heard: Heard) -> None:
        """Call `heard` for each ring from now until the process ends. Returns at once; what breaks is mended."""


_handlers: Handlers[Doorbell] = Handlers("TANDEM_DOORBELL", Doorbell)  # type: ignore[type-abstract]  # only for isinstance


def announce(task_ids: Sequence[int]) -> None:
    """Ring for these tasks once the present transaction is committed; not at all if it is rolled back."""
    if task_ids:
        ids = tuple(task_ids)
        # Robust: what was committed is done, whatever becomes of the ring. Not a partial: Django asks a function that
        # failed for its name.
        transaction.on_commit(lambda: _ring(ids), robust=True)


def listen(heard: Heard) -> None:
    """Listen to every configured doorbell."""
    for name in _handlers.names():
        _handlers.get(name).listen(heard)


def _ring(task_ids: Sequence[int]) -> None:
    for name in _handlers.names():
        _handlers.get(name).ring(task_ids)
