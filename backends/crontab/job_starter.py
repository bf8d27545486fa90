"""The process from which an agent's children are forked: it has loaded all that jobs need, and has no threads.

An agent has threads and open connections, so nothing may be forked from it. It starts this process before either, and
tells it which tasks to run. Memory is shared with the children until one writes to it.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
import threading
from collections.abc import Iterable
from multiprocessing.connection import Connection

from django.db import connections

from backends.crontab.job_processes import GRACE_SECONDS, JobProcesses
from scheduling.events import notifier
from scheduling.executor import executor, executor_names
from scheduling.models import Task


class JobStarter:
    """Runs tasks in children, `most` at a time. Make it before the process has threads or open connections."""

    def __init__(self, most: int) -> None:
        connections.close_all()
        context = multiprocessing.get_context("fork")
        self._channel, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, self._channel, most), name="job-starter")
        self._process.start()
        other.close()
        # The thread that decides and the one that looks after what was left behind both send.
        self._sending = threading.Lock()

    def run(self, tasks: Iterable[Task]) -> None:
        """Have the tasks run as soon as there is room. Raises ChildProcessError if the process has ended."""
        try:
            with self._sending:
                self._channel.send([(task.pk, task.attempt) for task in tasks])
        except OSError as exc:
            raise ChildProcessError("The process that starts jobs has ended.") from exc

    def child_died(self) -> bool:
        """Whether a child has ended in the middle of its task since the last call. Raises ChildProcessError."""
        died = False
        try:
            while self._channel.poll():
                self._channel.recv()
                died = True
        except (OSError, EOFError) as exc:
            raise ChildProcessError("The process that starts jobs has ended.") from exc
        if not self._process.is_alive():
            raise ChildProcessError("The process that starts jobs has ended.")
        return died

    def stop(self) -> None:
        """Start no more tasks. Those that run get GRACE_SECONDS to finish, and as long to be ended."""
        try:
            with self._sending:
                self._channel.send(None)
        except OSError:
            # It has ended already: its children run on, and record their own ends.
            return
        self._process.join(3 * GRACE_SECONDS)


def _serve(requests: Connection, of_parent: Connection, most: int) -> None:
    # Otherwise the end of the agent would not be noticed.
    of_parent.close()
    # A signal to the whole group is for the agent, which tells us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # What is loaded here is loaded once, and not in each child.
    notifier.prepare()
    for name in executor_names():
        executor(name)
    # The collector would write to every object, and so copy the memory that children share.
    gc.collect()
    gc.freeze()
    processes = JobProcesses(most)
    while True:
        ready = processes.wait(requests)
        try:
            if requests in ready and not _obeyed(requests.recv(), processes):
                return
            if processes.step():
                requests.send("a child died")
        except (EOFError, OSError):
            break
    # The agent was killed. What runs may finish; what waits is found as left behind.
    processes.forget_waiting()
    while processes.busy():
        processes.wait()
        processes.step()


def _obeyed(wanted: list[tuple[int, int]] | None, processes: JobProcesses) -> bool:
    """Add the jobs. Returns False if there are no more to come, and none runs any more."""
    if wanted is None:
        processes.stop()
        return False
    processes.add(wanted)
    return True
