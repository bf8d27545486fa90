"""What a worker reports: that its parent and its pool live, which queues it serves, and which children it has lost."""

from __future__ import annotations

import logging
import threading
from typing import Any, Final

from celery import bootsteps
from celery.signals import worker_init, worker_process_init, worker_process_shutdown
from celery.worker import WorkController
from django.db import DatabaseError, InterfaceError, connection

from backends.queue.app import app
from scheduling import clock, processes
from scheduling.events import notifier
from scheduling.execution import watch_thread
from scheduling.upkeep import lost_attempts

log = logging.getLogger(__name__)

# How soon a child that died is noticed. It costs a look at a list, and asks nobody.
LOOK_SECONDS: Final = 0.25
# How often the worker's loop says that it comes round: it has little else to wake for.
ROUND_SECONDS: Final = 5.0


class SignsOfLife(bootsteps.StartStopStep):
    """Keeps the row of the worker's parent process, and gives up at once what a child of its ran when it died.

    Celery itself tells of a lost child only after ten seconds (billiard.pool.LOST_WORKER_TIMEOUT).
    """

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: WorkController, **options: Any) -> None:
        super().__init__(parent, **options)
        self._over = threading.Event()

    def start(self, parent: WorkController) -> None:
        """Tell that the worker lives, and begin to look at its children."""
        # These change while it runs: `celery control add_consumer`, `manage.py broker drain`.
        processes.start("worker", queues=lambda: tuple(app.amqp.queues.consume_from))
        # The loop that takes messages calls what is on its timer. While it connects to the broker, the consumer does.
        timer: Any = parent.timer
        timer.call_repeatedly(ROUND_SECONDS, processes.came_round)
        threading.Thread(target=self._look_after_children, args=(parent,), name="children", daemon=True).start()

    def stop(self, parent: WorkController) -> None:
        """End both."""
        if not self._over.is_set():
            self._over.set()
            processes.stop()

    def terminate(self, parent: WorkController) -> None:
        """As `stop`."""
        self.stop(parent)

    def _look_after_children(self, worker: WorkController) -> None:
        known: frozenset[int] = frozenset()
        try:
            while not self._over.wait(LOOK_SECONDS):
                known = look(_children(worker), known)
        finally:
            connection.close()


@worker_init.connect
def serve_children(**_: Any) -> None:
    """A worker begins, and has no child yet."""
    notifier.serve_children()


@worker_process_init.connect
def begin(**_: Any) -> None:
    """A child of the pool has started."""
    processes.start("pool")
    watch_thread.start()


@worker_process_shutdown.connect
def end(**_: Any) -> None:
    """A child of the pool ends as it should."""
    processes.stop()


def look(present: frozenset[int], known: frozenset[int]) -> frozenset[int]:
    """Give up what ended processes ran if the children changed. Returns the children to compare with at the next look.

    A child that died between two looks was never seen, but another one takes its place. So it does not matter which
    child is new or missing: each process of this machine is asked about.
    """
    if present == known:
        return known
    try:
        lost_attempts.lose_gone(now=clock.now())
    except (DatabaseError, InterfaceError) as exc:
        log.warning("what lost processes ran cannot be given up yet: %s", type(exc).__name__)
        connection.close()
        return known
    return present


def _children(worker: WorkController) -> frozenset[int]:
    """The ids of the pool's processes; none for a pool without processes (threads, solo)."""
    pool: Any = getattr(worker.pool, "_pool", None)
    return frozenset(child.pid for child in list(getattr(pool, "_pool", ())) if child.exitcode is None)


app.steps["worker"].add(SignsOfLife)
