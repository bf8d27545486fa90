"""What beat does beside its ticks: each in a thread of its own, so that nothing of it makes an occurrence late."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final

from django.db import connection

from backends.beat.backoff import BackoffRunner
from scheduling import clock
from scheduling.executor import executor, executor_names
from scheduling.upkeep import retention
from scheduling.upkeep.sweep import sweep

log = logging.getLogger(__name__)

# Seconds between two sweeps: what a crash left behind waits for at most this long.
UPKEEP_EVERY: Final = 2.0
# Seconds between two rounds of retention: often enough that each has little to delete.
PRUNE_EVERY: Final = 10.0
# Seconds for which the end of beat waits for a round. What is left of it then ends with the process, and its
# transaction is rolled back.
END_WITHIN: Final = 5.0


class SideThread:
    """Does `step` again and again in a thread, with a database connection of its own, until `stop`.

    `step` returns the seconds until it wants to run again. When it fails, that is logged, and it waits (BackoffRunner).
    """

    def __init__(self, what: str, step: Callable[[], float]) -> None:
        self._what = what
        self._step = step
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name=what, daemon=True)

    def start(self) -> None:
        """Begin; the first round comes at once."""
        self._thread.start()

    def ask_to_end(self) -> None:
        """Begin no further round."""
        self._over.set()

    def wait_for_end(self) -> None:
        """Wait until the last round is over, END_WITHIN seconds at the most."""
        self._thread.join(END_WITHIN)
        if self._thread.is_alive():
            log.warning("%s has not ended within %.0f s and is broken off", self._what, END_WITHIN)

    def _go_on(self) -> None:
        runner = BackoffRunner()
        try:
            while not self._over.wait(runner.run(self._what, self._step)):
                pass
        finally:
            connection.close()


def upkeep() -> float:
    """One sweep. Returns the seconds until the next. Before the first, load what executors need to be handed tasks."""
    for name in executor_names():
        # In this thread: the first fire need not wait for it, nor the first tick.
        executor(name).prepare()
    sweep(now=clock.now())
    return UPKEEP_EVERY


def prune() -> float:
    """A bounded part of what retention has to delete. Returns the seconds until the next: none while there is more."""
    if retention.prune(now=clock.now()) >= retention.MOST:
        return 0.0
    # The next round comes late enough that a connection is not worth keeping.
    connection.close()
    return PRUNE_EVERY


def start() -> Sequence[SideThread]:
    """Begin everything that beat does beside its ticks."""
    begun = [SideThread("upkeep", upkeep), SideThread("retention", prune)]
    for each in begun:
        each.start()
    return begun


def stop(begun: Sequence[SideThread]) -> None:
    """End it."""
    for each in begun:
        each.ask_to_end()
    for each in begun:
        each.wait_for_end()
