"""The notifier over the broker that carries tasks: one fan-out exchange, which every web process listens to."""

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

from backends.queue.notification_listener import NotificationListener
from backends.queue.publishing import connection
from scheduling.events.notifier import Notifier, OnEvents

log = logging.getLogger(__name__)

# Durable, so that it is still there when the broker comes back; the notifications themselves are not kept anywhere.
EXCHANGE: Final = Exchange("tandem.events", type="fanout", durable=True, delivery_mode="transient")
# A notification of more tasks than this is one of any task.
MOST_TASKS: Final = 100
# Notifications that come faster than this become one.
PAUSE_SECONDS: Final = 0.005
# A broker that did not take a notification is left alone for this long.
QUIET_SECONDS: Final = 5.0
# How long a process that ends waits until its last notification is sent.
LAST_SEND_SECONDS: Final = 0.5


class BrokerNotifier(Notifier):
    """Sends from a thread: whoever writes an event does not wait for the broker, and needs none."""

    def __init__(self) -> None:
        self._senders: dict[int, _Sender] = {}

    def notify(self, task_ids: Sequence[int]) -> None:
        """Have it sent soon, by a thread of this process. A forked process does not inherit its parent's thread."""
        sender = self._senders.get(os.getpid()) or self._senders.setdefault(os.getpid(), _Sender())
        sender.add(task_ids)

    def listen(self, heard: OnEvents) -> None:
        """Start a thread that listens."""
        NotificationListener(EXCHANGE, heard).start()


class _Sender:
    """Collects the tasks to notify of, and sends them from a thread that starts with the first."""

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
                self._thread = threading.Thread(target=self._keep_sending, name="notifier", daemon=True)
                self._thread.start()
                atexit.register(self._idle.wait, LAST_SEND_SECONDS)
        self._wanted.set()

    def _keep_sending(self) -> None:
        while self._wanted.wait():
            self._wanted.clear()
            self._send(self._take())
            with self._lock:
                if not self._tasks:
                    self._idle.set()
            time.sleep(PAUSE_SECONDS)

    def _take(self) -> set[int]:
        with self._lock:
            taken, self._tasks = self._tasks, set()
            return taken

    def _send(self, tasks: set[int]) -> None:
        if not tasks or time.monotonic() < self._quiet_until:
            return
        body = {"tasks": sorted(tasks) if len(tasks) <= MOST_TASKS else []}
        # The connection may have died since the last notification: then once more over a new one.
        if not (self._sent(body) or self._sent(body)):
            self._quiet_until = time.monotonic() + QUIET_SECONDS

    def _sent(self, body: dict[str, Any]) -> bool:
        try:
            if self._producer is None:
                self._producer = Producer(connection(), exchange=EXCHANGE, auto_declare=True)
            seconds = settings.TANDEM_PUBLISH_SECONDS
            # Without a routing key: on Redis it would become part of the channel's name.
            self._producer.publish(body, routing_key="", serializer="json", timeout=seconds, confirm_timeout=seconds)
        except Exception as exc:  # noqa: BLE001 - transports raise errors of their own; listeners look by themselves as well
            # No more than its type: the text may hold the broker's address with its password.
            log.info("the notification was not sent: %s", type(exc).__name__)
            self._drop()
            return False
        return True

    def _drop(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None and producer.connection is not None:
            # Without a goodbye to a peer that may not answer.
            producer.connection.collect()
