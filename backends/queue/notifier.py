"""How notifications are sent: through the broker of the tasks, on one fan-out exchange that all web processes hear."""

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

from backends.queue.child_notifications import ChildNotifications
from backends.queue.notification_listener import NotificationListener
from backends.queue.publishing import connection
from scheduling.events.notifier import Notifier, OnEvents

log = logging.getLogger(__name__)

# Durable, so that the exchange survives a restart of the broker. The broker does not store the notifications.
EXCHANGE: Final = Exchange("tandem.events", type="fanout", durable=True, delivery_mode="transient")
# A notification about more tasks than this says "any task" instead.
MOST_TASKS: Final = 100
# The pause after each notification; what is asked for meanwhile becomes one notification.
PAUSE_SECONDS: Final = 0.005
# After a broker did not take a notification, none is sent for this long.
QUIET_SECONDS: Final = 5.0
# A process that ends waits at most this long until its last notification is sent.
LAST_SEND_SECONDS: Final = 0.5


class BrokerNotifier(Notifier):
    """Sends from a thread, so that code that writes an event neither waits for the broker nor needs one."""

    def __init__(self) -> None:
        self._senders: dict[int, _Sender] = {}
        self._parent: ChildNotifications | None = None

    def notify(self, task_ids: Sequence[int]) -> None:
        """Have a thread of this process notify of these tasks soon; or its parent, if that serves its children."""
        if self._parent is not None and self._parent.pid != os.getpid():
            self._parent.tell(task_ids[: MOST_TASKS + 1])
        else:
            self._sender().add(task_ids)

    def serve_children(self) -> None:
        """Start a thread that sends what the children of this process have to notify of."""
        self._parent = ChildNotifications(self._sender().add)

    def prepare(self) -> None:
        """Import the transport of the broker, which kombu does at the first use."""
        connection().get_transport_cls()

    def listen(self, heard: OnEvents) -> None:
        """Start a thread that listens, and return at once."""
        NotificationListener(EXCHANGE, heard).start()

    def _sender(self) -> _Sender:
        # One for each process: a forked process does not inherit its parent's thread.
        return self._senders.get(os.getpid()) or self._senders.setdefault(os.getpid(), _Sender())


class _Sender:
    """Collects the ids of tasks, and sends them from a thread, which starts with the first of them."""

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
            # One id more than MOST_TASKS is enough to show that there are too many.
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
        # The connection may have died since the last notification: then the second try opens a new one.
        if not (self._try_send(body) or self._try_send(body)):
            self._quiet_until = time.monotonic() + QUIET_SECONDS

    def _try_send(self, body: dict[str, Any]) -> bool:
        try:
            if self._producer is None:
                self._producer = Producer(connection(), exchange=EXCHANGE, auto_declare=True)
            seconds = settings.TANDEM_PUBLISH_SECONDS
            # No routing key: on Redis it would become part of the channel's name.
            self._producer.publish(body, routing_key="", serializer="json", timeout=seconds, confirm_timeout=seconds)
        except Exception as exc:  # noqa: BLE001 - each transport raises its own errors; listeners also poll the log
            # Only the type: the text may hold the broker's address with its password.
            log.info("the notification was not sent: %s", type(exc).__name__)
            self._drop_connection()
            return False
        return True

    def _drop_connection(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None and producer.connection is not None:
            # Unlike close(), collect() sends nothing to the broker, which may not answer.
            producer.connection.collect()
