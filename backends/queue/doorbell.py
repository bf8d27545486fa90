"""The doorbell over the broker that carries tasks: one fan-out exchange, which every web process listens to."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Sequence
from typing import Any, Final

from django.conf import settings
from kombu import Exchange, Producer

from backends.queue.bell_listener import BellListener
from backends.queue.publishing import connection
from scheduling.events.doorbell import Doorbell, Heard

log = logging.getLogger(__name__)

# Durable, so that it is still there when the broker comes back; the rings themselves are not kept anywhere.
EXCHANGE: Final = Exchange("tandem.bell", type="fanout", durable=True, delivery_mode="transient")
# A ring for more tasks than this rings for all.
MOST_TASKS: Final = 100
# Rings that come faster than this become one.
PAUSE_SECONDS: Final = 0.005
# A broker that did not take a ring is left alone for this long.
QUIET_SECONDS: Final = 5.0
# How long a process that ends waits for its last ring.
LAST_RING_SECONDS: Final = 0.5


class BrokerDoorbell(Doorbell):
    """Rings from a thread: who writes an event never waits for the broker, and needs none."""

    def __init__(self) -> None:
        self._ringers: dict[int, _Ringer] = {}

    def ring(self, task_ids: Sequence[int]) -> None:
        """Have it rung soon, by this process's own thread: a process that was forked has none of its parent's."""
        ringer = self._ringers.get(os.getpid()) or self._ringers.setdefault(os.getpid(), _Ringer())
        ringer.add(task_ids)

    def listen(self, heard: Heard) -> None:
        """Start a thread that listens."""
        BellListener(EXCHANGE, heard).start()


class _Ringer:
    """Collects the tasks to ring for, and sends them from a thread that starts with the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._idle = threading.Event()
        self._tasks: set[int] = set()
        self._thread: threading.Thread | None = None
        self._producer: Producer | None = None
        self._quiet_until = 0.0

    def add(self, task_ids: Sequence[int]) -> None:
        with self._lock:
            self._idle.clear()
            # One more than MOST_TASKS says enough.
            room = MOST_TASKS + 1 - len(self._tasks)
            self._tasks.update(task_ids[: max(room, 0)])
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep_ringing, name="doorbell", daemon=True)
                self._thread.start()
                atexit.register(self._idle.wait, LAST_RING_SECONDS)
        self._wanted.set()

    def _keep_ringing(self) -> None:
        while self._wanted.wait():
            self._wanted.clear()
            self._ring(self._take())
            with self._lock:
                if not self._tasks:
                    self._idle.set()
            time.sleep(PAUSE_SECONDS)

    def _take(self) -> set[int]:
        with self._lock:
            taken, self._tasks = self._tasks, set()
            return taken

    def _ring(self, tasks: set[int]) -> None:
        if not tasks or time.monotonic() < self._quiet_until:
            return
        body = {"tasks": sorted(tasks) if len(tasks) <= MOST_TASKS else []}
        # The connection of the last ring may have died long ago: then once more over a new one.
        if not (self._sent(body) or self._sent(body)):
            self._quiet_until = time.monotonic() + QUIET_SECONDS

    def _sent(self, body: dict[str, Any]) -> bool:
        try:
            if self._producer is None:
                self._producer = Producer(connection(), exchange=EXCHANGE, auto_declare=True)
            seconds = settings.TANDEM_PUBLISH_SECONDS
            # Without a routing key: on Redis it would become part of the channel's name.
            self._producer.publish(body, routing_key="", serializer="json", timeout=seconds, confirm_timeout=seconds)
        except Exception as exc:  # noqa: BLE001 - transports raise errors of their own; a lost ring is found by looking
            # No more than its type: the text may hold the broker's address with its password.
            log.info("the doorbell did not ring: %s", type(exc).__name__)
            self._drop()
            return False
        return True

    def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None and producer.connection is not None:
            # Without a goodbye to a peer that may not answer.
            producer.connection.collect()
