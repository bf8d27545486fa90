"""The contract of a notifier: it tells listeners at once that the event log has new events.

A notification may get lost; only the log is complete. So a listener must also read the log at intervals.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence

from django.db import transaction

from scheduling.plugins import Handlers

# Called in a thread of the notifier, with the ids of the tasks that have new events. An empty list means: any task.
OnEvents = Callable[[Collection[int]], None]


class Notifier(ABC):
    """Carries notifications from the processes that write events to those that show them."""

    @abstractmethod
    def notify(self, task_ids: Sequence[int]) -> None:
        """Tell every listener in every process. Returns at once and never raises."""

    @abstractmethod
    def listen(self, heard: OnEvents) -> None:
        """Call `heard` for each notification until the process ends, also after a lost connection. Returns at once."""

    def prepare(self) -> None:  # noqa: B027 - not every notifier has something to load
        """Load what `notify` needs, without a thread or a connection: other processes are forked from this one."""

    def serve_children(self) -> None:  # noqa: B027 - not every notifier gains by it
        """Take over what processes that are forked from this one have to notify of: they only pass it on."""


_handlers: Handlers[Notifier] = Handlers("TANDEM_NOTIFIER", Notifier)  # type: ignore[type-abstract]  # only for isinstance


def announce(task_ids: Sequence[int]) -> None:
    """Notify listeners of these tasks after the present transaction has committed; not if it is rolled back."""
    if task_ids:
        ids = tuple(task_ids)
        # Robust: the commit is done, so an error of a notifier must not reach the caller. A lambda, not a partial:
        # Django logs the name of a function that failed, and a partial has none.
        transaction.on_commit(lambda: _send(ids), robust=True)


def prepare() -> None:
    """Prepare every configured notifier for processes that are forked from this one."""
    for name in _handlers.names():
        _handlers.get(name).prepare()


def serve_children() -> None:
    """Have every configured notifier serve the processes that are forked from this one from here on."""
    for name in _handlers.names():
        _handlers.get(name).serve_children()


def listen(heard: OnEvents) -> None:
    """Listen to every configured notifier."""
    for name in _handlers.names():
        _handlers.get(name).listen(heard)


def _send(task_ids: Sequence[int]) -> None:
    for name in _handlers.names():
        _handlers.get(name).notify(task_ids)
