"""How a web process receives notifications: in a thread."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Final
from uuid import uuid4

from django.conf import settings
from kombu import Connection, Consumer, Exchange, Message, Queue

from backends.queue.app import app
from scheduling.events.notifier import OnEvents

log = logging.getLogger(__name__)

# The seconds before each further try to connect after a connection broke; the last one repeats.
_PAUSES: Final = (0.2, 0.5, 1.0, 2.0)
# How long it waits for a message before it looks after the connection's heartbeat.
_DRAIN_SECONDS: Final = 1.0
# The first look, which subscribes at Redis, need not wait for a message.
_SUBSCRIBE_SECONDS: Final = 0.1
# Notifications that wait for a process that is stuck; the oldest are dropped, for its next look finds all.
_MOST_QUEUED: Final = 1000
# The queue of a process that was killed goes after this.
_QUEUE_EXPIRES_SECONDS: Final = 60.0


class NotificationListener:
    """Receives every notification on `exchange`, and reconnects for as long as the process lives.

    After each connect it calls `heard([])` (any task may have new events), because notifications that were sent before
    are lost.
    """

    def __init__(self, exchange: Exchange, heard: OnEvents) -> None:
        self._exchange = exchange
        self._heard = heard
        self._failures = 0

    def start(self) -> None:
        """Listen in a thread that ends with the process."""
        threading.Thread(target=self._keep_listening, name="notification-listener", daemon=True).start()

    def _keep_listening(self) -> None:
        while True:
            try:
                with app.connection_for_read() as connection:
                    self._listen(connection)
            except Exception as exc:  # noqa: BLE001 - each transport raises its own errors; none may end the thread
                # Only the type: the text may hold the broker's address with its password.
                level = logging.DEBUG if self._failures else logging.WARNING
                log.log(level, "notifications cannot be received: %s", type(exc).__name__)
            time.sleep(_PAUSES[min(self._failures, len(_PAUSES) - 1)])
            self._failures += 1

    def _listen(self, connection: Connection) -> None:
        with Consumer(
            connection,
            queues=[self._queue()],
            callbacks=[self._receive],
            accept=["json"],
            # A Redis fan-out has no acknowledgements. RabbitMQ needs them: it stops sending at the prefetch count if
            # this thread is stuck.
            no_ack=settings.BROKER_KIND != "rabbitmq",
            prefetch_count=_MOST_QUEUED,
        ):
            self._failures = 0
            # On Redis, kombu subscribes when it looks for a message for the first time.
            self._drain(connection, _SUBSCRIBE_SECONDS)
            self._heard([])
            while True:
                self._drain(connection, _DRAIN_SECONDS)

    def _drain(self, connection: Connection, seconds: float) -> None:
        try:
            connection.drain_events(timeout=seconds)
        except TimeoutError:
            if connection.supports_heartbeats:
                connection.heartbeat_check()

    def _queue(self) -> Queue:
        # If this process is stuck, RabbitMQ drops its oldest notifications. It deletes the queue with the connection.
        # On Redis, kombu deletes the name of a queue whose process was killed after `expires` seconds.
        return Queue(
            f"tandem.events.{uuid4()}",
            self._exchange,
            routing_key="",
            durable=False,
            exclusive=True,
            auto_delete=True,
            expires=_QUEUE_EXPIRES_SECONDS,
            max_length=_MOST_QUEUED,
            queue_arguments={"x-overflow": "drop-head"},
        )

    def _receive(self, body: Any, message: Message) -> None:
        if not message.acknowledged and settings.BROKER_KIND == "rabbitmq":
            message.ack()
        tasks = body.get("tasks", []) if isinstance(body, dict) else []
        self._heard([task for task in tasks if isinstance(task, int)])
