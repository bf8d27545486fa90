"""A private Tandem for a test: a database, a broker, a folder, and the processes that use them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import redis
from celery import Celery
from django.db import connection, connections
from django.db.utils import ConnectionHandler, load_backend

from settings.brokers import celery_settings
from settings.databases import database
from tests.backends.queue.brokers import stored_messages
from tests.servers.server import end_group
from tests.warm import processes as warm

# For tests of `installation` whose point is not what a database locks: SQLite takes its turn in the drills.
sqlite_in_drills: Final = pytest.mark.parametrize(
    "installation", ["on_postgres", pytest.param("on_sqlite", marks=pytest.mark.drill)], indirect=True
)
STOCK: Final = "django_celery_beat.schedulers:DatabaseScheduler"
# For what must happen. It is long because a busy machine may take half a minute to start a process.
_LONGEST_WAIT_SECONDS: Final = 120.0


class Process:
    """Python that runs in the background. Signals go to its process group, because it may have children."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self.popen = warm.start(arguments, environment, output.fileno())

    def go(self) -> None:
        """Write the line that the process waits for."""
        self.popen.stdin.write(b"go\n")
        self.popen.stdin.flush()

    def said(self) -> str:
        """The output so far."""
        return self.log.read_text(errors="replace")

    def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        return self.popen.wait(_LONGEST_WAIT_SECONDS)

    def kill(self) -> None:
        """Kill the process and its children with SIGKILL."""
        end_group(self.popen.pid)
        self.popen.wait()
        self.popen.stdin.close()

    def messages_ended(self) -> int:
        """How many messages this worker says to be through with, whether they ran anything or not."""
        return self.said().count("] succeeded in ") + self.said().count("] ignored")


class Installation:
    """The addresses of a database and a broker, and the processes that use them. `close` ends the processes."""

    def __init__(self, database_url: str, broker_url: str, folder: Path) -> None:
        self.database_url, self.broker_url, self.folder = database_url, broker_url, folder
        self._processes: list[Process] = []

    @property
    def runs(self) -> Path:
        """The file that the jobs of these tests append to."""
        return self.folder / "runs"

    def ran(self) -> list[int]:
        """The ids of the tasks whose jobs ran, one per run, in order."""
        return [int(line) for line in self.runs.read_text().split()] if self.runs.exists() else []

    def worker(self, *, name: str = "worker", processes: int = 1, queue: str = "", pool: str = "prefork") -> Process:
        """A Celery worker that sends events, for the default queue unless another is named."""
        quiet = ["--without-gossip", "--without-mingle", *(["-Q", queue] if queue else [])]
        return self._celery("worker", "-n", f"{name}@%h", "--concurrency", str(processes), "-P", pool, "-E", *quiet)

    def beat(self, *, scheduler: str = "") -> Process:
        """Celery Beat, with the scheduler of the settings unless another is named."""
        if scheduler:
            return self._celery("beat", "-l", "INFO", "--scheduler", scheduler)
        return self.start("manage.py", "beat")

    def dispatcher(self, *arguments: str) -> Process:
        """See tests/live/dispatcher.py."""
        return self.start("-m", "tests.live.dispatcher", *arguments)

    def start(self, *arguments: str, **variables: str) -> Process:
        """Start Python with these arguments. The variables are added to those of the installation."""
        log = self.folder / f"{len(self._processes)}.log"
        process = Process(arguments, self._environment() | variables, log)
        self._processes.append(process)
        return process

    def until(self, condition: Callable[[], Any], *, longest: float = _LONGEST_WAIT_SECONDS) -> None:
        """Return once `condition` holds. After `longest` seconds, fail with the output of the processes."""
        deadline = time.monotonic() + longest
        while not condition():
            if time.monotonic() > deadline:
                said = "\n".join(f"--- {process.popen.args!r}\n{process.said()[-3000:]}" for process in self._processes)
                raise AssertionError(f"It did not happen in {longest} s.\n{said}")
            time.sleep(0.05)

    def messages(self) -> list[tuple[int, int]]:
        """(task_id, attempt) of the messages in the queue; reading leaves them there."""
        with redis.Redis.from_url(self.broker_url) as client:
            return [(task_id, attempt) for _, (task_id, attempt) in stored_messages(client)]

    def empty_broker(self) -> None:
        """Delete everything at the broker."""
        with redis.Redis.from_url(self.broker_url) as client:
            client.flushall()

    def publish(self, task_id: int, attempt: int) -> None:
        """Send the message of an attempt, even if it was sent before."""
        with Celery("live test", set_as_current=False) as app:
            app.config_from_object(celery_settings(self.broker_url, socket=self.folder / "unused"))
            with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
                app.send_task("tandem.run", args=(task_id, attempt), ignore_result=True, producer=producer)

    def close(self) -> None:
        """Kill the processes that still run."""
        for process in self._processes:
            process.kill()

    def _celery(self, *arguments: str) -> Process:
        return self.start("-m", "celery", "-A", "settings.celery", *arguments)

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.live.live_settings",
            "DATABASE_URL": self.database_url,
            "BROKER_URL": self.broker_url,
            "TANDEM_VAR": str(self.folder),
            "PYTHONUNBUFFERED": "1",
        }


@contextmanager
def ledger_at(database_url: str) -> Iterator[None]:
    """Inside the block, the models of this thread use the database at `database_url`."""
    before = connections["default"]
    alias = ConnectionHandler({"default": database(database_url)}).settings["default"]
    connections["default"] = load_backend(alias["ENGINE"]).DatabaseWrapper(alias, "default")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = before


def suspend(process: Process) -> None:
    """Stop a process and its children, but not inside a transaction: its locks would hold everybody until it goes on.

    Only on PostgreSQL.
    """
    others = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
    )
    while True:
        os.killpg(process.popen.pid, signal.SIGSTOP)
        with connection.cursor() as cursor:
            cursor.execute(others)
            [inside] = cursor.fetchone()
        if not inside:
            return
        os.killpg(process.popen.pid, signal.SIGCONT)
        time.sleep(0.1)
