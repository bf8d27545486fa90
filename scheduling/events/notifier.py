"""The contract of a notifier: it says at once that the event log has grown, so that nobody has to keep asking.

The log is the truth, and a notification may get lost: a listener also looks into the log by itself now and then.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence

from django.db import transaction

from scheduling.plugins import Handlers

# Called in a thread of the notifier's, with the ids of the tasks that have new events. An empty list means: any task.
OnEvents = Callable[[Collection[int]], None]


class Notifier(ABC):
    """Carries notifications from the processes that write events to those that show them."""

    @abstractmethod
    def notify(self, task_ids: Sequence[int]) -> None:
        """Tell every listener, in any process. Returns at once and raises nothing, whatever carries it."""

    @abstractmethod
    def listen(self, heard: OnEvents) -> None:
        """Call `heard` for each notification until the process ends. Returns at once, and reconnects by itself."""


_handlers: Handlers[Notifier] = Handlers("TANDEM_NOTIFIER", Notifier)  # type: ignore[type-abstract]  # only for isinstance


def announce(task_ids: Sequence[int]) -> None:
    """Notify of these tasks once the present transaction is committed; not at all if it is rolled back."""
    if task_ids:
        ids = tuple(task_ids)
        # Robust: what was committed is done, whatever becomes of the notification. A lambda, not a partial: Django logs
        # the name of a function that failed.
        transaction.on_commit(lambda: _send(ids), robust=True)


def listen(heard: OnEvents) -> None:
    """Listen to every configured notifier."""
    for name in _handlers.names():
        _handlers.get(name).listen(heard)


def _send(task_ids: Sequence[int]) -> None:
    for name in _handlers.names():
        _handlers.get(name).notify(task_ids)
