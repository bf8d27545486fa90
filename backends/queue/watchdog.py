"""Sees a worker that is alive but takes nothing while messages wait, as some do after a reconnect.

celery/celery#8030, #8091 and #10205 are such cases: the process lives, its heartbeat goes on, its consumer is gone.
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

# EX_SOFTWARE of sysexits.h: whoever supervises the worker starts it again.
EXIT_CODE: Final = 70
# A worker whose loop does not even notice that it is to end is ended after this.
_NOTICE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Sample:
    """How many messages the worker has taken so far, how many wait for it, and whether it could take one more."""

    taken: int
    waiting: int
    room: bool


@dataclass(frozen=True, slots=True)
class Stall:
    """Since when (a monotonic time) nothing was taken while messages waited; None while all is well."""

    since: float | None = None
    taken: int = -1


def judged(before: Stall, sample: Sample, *, now: float) -> Stall:
    """What is to be thought of a worker after one more look. Pure."""
    if not sample.waiting or not sample.room or sample.taken != before.taken:
        return Stall(None, sample.taken)
    return Stall(now if before.since is None else before.since, sample.taken)


class Watchdog(bootsteps.StartStopStep):
    """A thread in the worker's parent process. It asks the broker over a connection of its own."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, parent: WorkController, **options: Any) -> None:
        super().__init__(parent, **options)
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, parent: WorkController) -> None:
        """Begin to look, at the queues the worker has now: a consumer that is gone takes its queue off the list."""
        queues = tuple(app.amqp.queues.consume_from)
        self._thread = threading.Thread(target=self._watch, args=(parent, queues), name="watchdog", daemon=True)
        self._thread.start()

    def stop(self, parent: WorkController) -> None:
        """End the looking."""
        self._over.set()

    def terminate(self, parent: WorkController) -> None:
        """As `stop`."""
        self._over.set()

    def _watch(self, worker: WorkController, queues: tuple[str, ...]) -> None:
        limit = float(settings.TANDEM_STALLED_SECONDS)
        stall = Stall()
        while not self._over.wait(limit / 6):
            now = time.monotonic()
            stall = judged(stall, _sample(worker, queues), now=now)
            _status["stalled"] = stall.since is not None and now - stall.since >= limit
            if _status["stalled"]:
                log.error("this worker takes nothing, and messages wait in %s", ", ".join(queues))
                if settings.TANDEM_RESTART_STALLED:
                    self._end()

    def _end(self) -> None:
        log.error("it ends with exit code %d, to be started again", EXIT_CODE)
        # As a warm shutdown: what runs is finished first.
        state.should_stop = EXIT_CODE  # type: ignore[assignment]  # celery-types knows its first value only
        if not self._over.wait(_NOTICE_SECONDS):
            log.critical("its loop does not notice: it is ended")
            logging.shutdown()
            os._exit(EXIT_CODE)


_status: dict[str, bool] = {"stalled": False}


@inspect_command(name=COMMAND)
def told(_state: Any) -> dict[str, bool]:
    """What `presence.workers` asks every worker."""
    return dict(_status)


def _sample(worker: WorkController, queues: tuple[str, ...]) -> Sample:
    try:
        with opened() as there:
            waiting = messages_waiting(there, queues)
    except errors():
        # While the broker is away nobody can take anything.
        waiting = 0
    taken = int(state.all_total_count[0]) + len(state.reserved_requests)
    # One that drains takes nothing because it was told so.
    room = len(state.reserved_requests) < _processes(worker) and not draining()
    return Sample(taken=taken, waiting=waiting, room=room)


def _processes(worker: WorkController) -> int:
    pool: Any = worker.pool
    return int(pool.num_processes)


app.steps["worker"].add(Watchdog)
