"""The notifier with a real broker, and without one."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Collection

import pytest
from django.conf import settings

from backends.queue import notifier
from backends.queue.notifier import BrokerNotifier
from tests.backends.queue.brokers import Broker

SECONDS = 60.0


class Listener:
    """Collects the notifications that arrive, and signals each one."""

    def __init__(self, notifying: BrokerNotifier) -> None:
        self._changed = threading.Condition()
        self._heard: list[list[int]] = []
        notifying.listen(self._hear)
        # It says so once it is connected.
        self.until([])

    def until(self, wanted: Collection[int]) -> None:
        """Return once a notification of exactly these tasks has arrived."""
        with self._changed:
            assert self._changed.wait_for(lambda: list(wanted) in self._heard, SECONDS), self._heard
            self._heard.clear()

    def _hear(self, task_ids: Collection[int]) -> None:
        with self._changed:
            self._heard.append(list(task_ids))
            self._changed.notify_all()


# The last notification of a process has half a second, which a busy machine needs to load the transport alone.
RING = """
import django
django.setup()
from backends.queue import notifier
notifier.LAST_SEND_SECONDS = 60.0
notifier.BrokerNotifier().notify([7])
"""


def test_a_notification_reaches_every_listener(broker: Broker) -> None:
    notifying = BrokerNotifier()
    listeners = [Listener(notifying), Listener(notifying)]
    notifying.notify([3, 1])
    for listener in listeners:
        listener.until([1, 3])


def test_a_notification_of_many_tasks_is_one_message(broker: Broker) -> None:
    notifying = BrokerNotifier()
    listener = Listener(notifying)
    notifying.notify(range(1, notifier.MOST_TASKS + 2))
    listener.until([])


def test_a_process_sends_its_notifications_before_it_ends(broker: Broker) -> None:
    listener = Listener(BrokerNotifier())
    subprocess.run([sys.executable, "-c", RING], cwd=settings.BASE_DIR, check=True)
    listener.until([7])


def test_a_forked_process_sends_its_own_notifications(broker: Broker) -> None:
    notifying = BrokerNotifier()
    listener = Listener(notifying)
    notifying.notify([1])
    listener.until([1])
    child = os.fork()
    if child == 0:
        notifying.notify([2])
        time.sleep(SECONDS)
        os._exit(0)
    try:
        listener.until([2])
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_notifications_arrive_again_after_the_broker_was_away(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier, "QUIET_SECONDS", 0.0)
    notifying = BrokerNotifier()
    listener = Listener(notifying)
    broker.server.kill()
    notifying.notify([1])
    broker.server.start()
    # Connected again, it says that something may have been missed.
    listener.until([])
    notifying.notify([2])
    listener.until([2])


class Failures(logging.Handler):
    """Counts what the notifier logs about notifications that failed."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.count = 0
        self.one = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1
        self.one.set()


def test_without_a_broker_it_tries_once_and_then_leaves_it_alone(no_broker: None) -> None:
    failures = Failures()
    notifier.log.addHandler(failures)
    try:
        notifying = BrokerNotifier()
        notifying.notify([1])
        assert failures.one.wait(SECONDS)
        for task_id in range(1000):
            notifying.notify([task_id])
        # Its thread has been through all of them.
        notifying._senders[os.getpid()]._idle.wait(SECONDS)
    finally:
        notifier.log.removeHandler(failures)
    # Over the connection it had, and over a new one.
    assert failures.count == 2
