"""How a worker notices that it takes no messages although some wait. That can happen after a reconnect.

Such cases are celery/celery#8030, #8091 and #10205: the process lives and sends heartbeats, but its consumer is gone.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

from celery import bootsteps
from celery.worker import WorkController, state
from celery.worker.control import inspect_command
from django.conf import settings

from backends.queue.app import app
from backends.queue.draining import draining
from backends.queue.health import COMMAND
from backends.queue.publishing import opened
from backends.queue.queue_depth import errors, messages_waiting

log = logging.getLogger(__name__)

# EX_SOFTWARE of sysexits.h: a supervisor sees a failure, and starts the worker again.
EXIT_CODE: Final = 70
# The worker's loop has this long to react when it is told to end; then the process is ended at once.
_REACTION_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Sample:
    """How many messages the worker has taken so far, how many wait for it, and whether it has room for one more."""

    taken: int
    waiting: int
    room: bool


@dataclass(frozen=True, slots=True)
class Stall:
    """`since`: the monotonic time, in seconds, since which the worker takes nothing although messages wait, or None.

    `taken`: how many messages the worker had taken at the last sample.
    """

    since: float | None = None
    taken: int = -1


def stall_after(before: Stall, sample: Sample, *, now: float) -> Stall:
    """The stall after one more sample. Pure."""
    if not sample.waiting or not sample.room or sample.taken != before.taken:
        return Stall(None, sample.taken)
    return Stall(now if before.since is None else before.since, sample.taken)


class Watchdog(bootsteps.StartStopStep):
    """A thread in the worker's parent process. It has its own connection to the broker."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: WorkController, **options: Any) -> None:
        super().__init__(parent, **options)
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, parent: WorkController) -> None:
        """Start the thread. It watches the queues that the worker reads now: a lost consumer leaves that list."""
        queues = tuple(app.amqp.queues.consume_from)
        self._thread = threading.Thread(target=self._watch, args=(parent, queues), name="watchdog", daemon=True)
        self._thread.start()

    def stop(self, parent: WorkController) -> None:
        """End the thread."""
        self._stopped.set()

    def terminate(self, parent: WorkController) -> None:
        """End the thread, as `stop` does."""
        self._stopped.set()

    def _watch(self, worker: WorkController, queues: tuple[str, ...]) -> None:
        limit = float(settings.TANDEM_STALLED_SECONDS)
        stall = Stall()
        while not self._stopped.wait(limit / 6):
            now = time.monotonic()
            stall = stall_after(stall, _sample(worker, queues), now=now)
            _status["stalled"] = stall.since is not None and now - stall.since >= limit
            if _status["stalled"]:
                log.error("this worker takes nothing, and messages wait in %s", ", ".join(queues))
                if settings.TANDEM_RESTART_STALLED:
                    self._end_worker()

    def _end_worker(self) -> None:
        log.error("this worker ends with exit code %d; a supervisor can start it again", EXIT_CODE)
        # A warm shutdown: running tasks are finished first.
        state.should_stop = EXIT_CODE  # type: ignore[assignment]  # celery-types knows only the initial value None
        if not self._stopped.wait(_REACTION_SECONDS):
            log.critical("this worker does not react; its process is ended now")
            logging.shutdown()
            os._exit(EXIT_CODE)


_status: dict[str, bool] = {"stalled": False}


@inspect_command(name=COMMAND)
def told(_state: Any) -> dict[str, bool]:
    """The answer to `health.workers`, which asks every worker."""
    return dict(_status)


def _sample(worker: WorkController, queues: tuple[str, ...]) -> Sample:
    try:
        with opened() as connection:
            waiting = sum(messages_waiting(connection, queues).values())
    except errors():
        # While the broker is away no worker can take messages: that is no stall.
        waiting = 0
    taken = int(state.all_total_count[0]) + len(state.reserved_requests)
    # A worker that drains takes nothing because it was told to: that is no stall.
    room = len(state.reserved_requests) < _processes(worker) and not draining()
    return Sample(taken=taken, waiting=waiting, room=room)


def _processes(worker: WorkController) -> int:
    pool: Any = worker.pool
    return int(pool.num_processes)


app.steps["worker"].add(Watchdog)
