"""How children of a worker pass the ids of tasks to their parent."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

import pytest
from django.conf import settings

from backends.queue import child_notifications, notifier
from backends.queue.child_notifications import ChildNotifications
from backends.queue.notifier import BrokerNotifier

SECONDS = 60.0

# A child has to notify of a task, in a process that forks as a worker does. What it has loaded and started is told.
CHILD = """
import django, os, sys, threading
django.setup()
from backends.queue.notifier import BrokerNotifier
notifying = BrokerNotifier()
notifying.serve_children()
if os.fork() == 0:
    before = set(sys.modules), threading.enumerate()
    notifying.notify([7])
    assert (set(sys.modules), threading.enumerate()) == before, set(sys.modules) - before[0]
    assert not any(name.startswith("kombu.transport.redis") for name in sys.modules)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


class Heard:
    """Collects what is heard."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._ids: set[int] = set()

    def hear(self, task_ids: Sequence[int]) -> None:
        with self._changed:
            self._ids.update(task_ids)
            self._changed.notify_all()

    def until(self, wanted: set[int]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: wanted <= self._ids, SECONDS), self._ids


def in_child(work: Callable[[], object]) -> None:
    """Do the work in a forked process, and wait for its end."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def test_what_children_tell_is_heard() -> None:
    heard = Heard()
    ear = ChildNotifications(heard.hear)
    in_child(lambda: ear.tell([3, 2**40]))
    in_child(lambda: ear.tell([5]))
    heard.until({3, 5, 2**40})


def test_a_child_does_not_wait_for_a_parent_that_does_not_hear(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    heard = Heard()

    def stuck(task_ids: Sequence[int]) -> None:
        goes_on.wait(SECONDS)
        heard.hear(task_ids)

    ear = ChildNotifications(stuck)
    for task_id in range(200):
        ear.tell(list(range(task_id, task_id + 100)))
    goes_on.set()
    heard.until({0})


def test_a_child_loads_and_starts_nothing_to_notify() -> None:
    environment = {**os.environ, "BROKER_URL": "redis://127.0.0.1:1/0"}
    subprocess.run([sys.executable, "-c", CHILD], cwd=settings.BASE_DIR, env=environment, check=True)


def test_a_notifier_that_serves_its_children_sends_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard()
    monkeypatch.setattr(notifier._Sender, "add", lambda _, task_ids: heard.hear(task_ids))
    monkeypatch.setattr(child_notifications, "PAUSE_SECONDS", 0.0)
    notifying = BrokerNotifier()
    notifying.serve_children()
    in_child(lambda: notifying.notify([1]))
    heard.until({1})
    notifying.notify([2])
    heard.until({1, 2})
