"""What a worker does in a second: Tandem's beside plain Celery and django-celery-results, in the same run.

    python3 dev.py bench worker [--broker redis|rabbitmq] [--database postgresql|sqlite] [--tasks N] [--json FILE]

Tasks that do nothing, in a full queue, and one worker with four processes. The contenders take turns; each figure is
the median of the rounds. `plain` keeps no results. `django-db` stores them in the same database: as it comes (a new
connection for each task), and `kept`, with its connection kept open. Tandem claims each task, and stores its attempt,
its result and its events. CPU is that of the worker with its children, of the database server and of the broker, for
each task. Then the worker is idle, and tasks come one after another: the time from publishing one until its end can be
read in the database.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import psycopg
from celery import Celery
from kombu import Connection

from benchmarks._measure import Figures, arguments, cpu_of, percentile, report, rounds
from settings.brokers import celery_settings
from tests.servers.postgres import PostgresServer
from tests.servers.programs import program
from tests.servers.rabbitmq import RabbitServer
from tests.servers.redis_like import RedisServer
from tests.servers.server import Server, end_group

ROOT: Final = Path(__file__).parents[1]
PROCESSES: Final = 4
# Before the clock starts: a child connects at its first task.
WARM_UP: Final = 200
LONE: Final = 100
CONTENDERS: Final = {
    "plain": ("stock", {"STOCK_RESULTS": "none"}),
    "django-db": ("stock", {"STOCK_RESULTS": "django-db"}),
    "kept": ("stock", {"STOCK_RESULTS": "kept"}),
    "Tandem": ("tandem", {}),
}
APPLICATIONS: Final = {"stock": "benchmarks._worker.stock", "tandem": "settings.celery"}
STATEMENTS: Final = "SELECT sum(calls) FROM pg_stat_statements WHERE query !~ '^(BEGIN|COMMIT|SET|SHOW)'"
COMMITS: Final = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"


class CountingPostgres(PostgresServer):
    """PostgreSQL that counts statements (pg_stat_statements), for all contenders alike."""

    def command(self) -> list[str]:
        return [*super().command(), "-c", "shared_preload_libraries=pg_stat_statements"]


class Bench:
    """The servers that all contenders use, and what each of them does there."""

    def __init__(self, stack: ExitStack, database: str, broker: str) -> None:
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-bench-")))
        self._database: Server | None = None
        if database == "postgresql":
            self._database = stack.enter_context(CountingPostgres())
            with psycopg.connect(self._database.url) as connection:
                connection.execute("CREATE EXTENSION pg_stat_statements")
        self._broker: Server = stack.enter_context(RabbitServer() if broker == "rabbitmq" else RedisServer())
        for side in APPLICATIONS:
            self._run("-m", "django", "migrate", "--verbosity", "0", side=side, variables={"STOCK_RESULTS": "none"})

    def measure(self, name: str, tasks: int) -> Figures:
        """One round of one contender."""
        side, variables = CONTENDERS[name]
        load = partial(self._run, "-m", "benchmarks._worker.load", side, side=side, variables=variables)
        load("fill", str(tasks + WARM_UP))
        with self._worker(side, variables) as worker:
            figures = self._drained(side, worker, tasks)
            if variables.get("STOCK_RESULTS") != "none":
                taken = json.loads(load("lone", str(LONE)).splitlines()[-1])
                figures |= {"lone task: p50, ms": percentile(taken, 50), "lone task: p99, ms": percentile(taken, 99)}
        return figures

    def _drained(self, side: str, worker: subprocess.Popen[bytes], tasks: int) -> Figures:
        """Wait until the worker has emptied the queue. The figures of its last `tasks` tasks."""
        servers = {"database": self._database, "broker": self._broker}
        pids = {name: server.process.pid for name, server in servers.items() if server and server.process}
        with Celery("bench", broker=self._broker.url, set_as_current=False) as app:
            options = celery_settings(self._broker.url, socket=self._folder)["broker_transport_options"]
            connection = app.connection(transport_options=options if side == "tandem" else {})
            left = partial(_waiting, connection, side)
            _until(lambda: left() <= tasks, worker)
            counted = self._counts()
            begun, many = time.perf_counter(), left()
            with cpu_of({"worker": worker.pid, **pids}) as cpu:
                _until(lambda: left() == 0, worker)
                seconds = time.perf_counter() - begun
        figures = {"tasks a second": many / seconds, **cpu.milliseconds_each(many)}
        return figures | {name: (after - counted[name]) / many for name, after in self._counts().items()}

    def _counts(self) -> Figures:
        if self._database is None:
            return {}
        with psycopg.connect(self._database.url) as connection:
            rows = [connection.execute(query).fetchone() for query in (STATEMENTS, COMMITS)]
        return dict(zip(("statements", "commits"), (float(row[0]) for row in rows if row), strict=True))

    @contextmanager
    def _worker(self, side: str, variables: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
        words = ["worker", "-n", f"{side}@%h", "--concurrency", str(PROCESSES), "--without-mingle", "--without-gossip"]
        command = [sys.executable, "-m", "celery", "-A", APPLICATIONS[side], *words]
        with (self._folder / "worker.log").open("wb") as log:
            environment = self._environment(side) | variables
            worker = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            yield worker
        finally:
            worker.terminate()
            worker.wait()
            end_group(worker.pid)

    def _run(self, *words: str, side: str, variables: dict[str, str]) -> str:
        environment = self._environment(side) | variables
        return subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
        ).stdout

    def _environment(self, side: str) -> dict[str, str]:
        # Each side has a database of its own; on PostgreSQL they share one, with tables of their own.
        url = self._database.url if self._database else f"sqlite:///{self._folder / side}.sqlite3"
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": f"benchmarks._worker.{side}_settings",
            "DATABASE_URL": url,
            "BROKER_URL": self._broker.url,
            "TANDEM_VAR": str(self._folder / "var"),
        }


def _waiting(connection: Connection, queue: str) -> int:
    """How many messages wait in the queue at the broker."""
    # RabbitMQ refuses other arguments than those of the sender; on Redis, a passive look finds no queue with a prefix.
    passive = connection.transport.driver_type == "amqp"
    channel: Any = connection.default_channel
    return int(channel.queue_declare(queue, passive=passive, durable=True).message_count)


def _until(condition: Callable[[], bool], worker: subprocess.Popen[bytes]) -> None:
    while not condition():
        if worker.poll() is not None:
            raise RuntimeError("the worker has ended")
        time.sleep(0.02)


def main() -> None:
    """Measure and print the table."""
    parser = arguments(__doc__)
    parser.add_argument("--broker", choices=["redis", "rabbitmq"], default="redis")
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--tasks", type=int, default=2000, help="how many the clock runs for, in each round")
    parser.add_argument("--only", nargs="*", choices=list(CONTENDERS), default=list(CONTENDERS))
    options = parser.parse_args()
    database = options.database if program("postgres") is not None else "sqlite"
    with ExitStack() as stack:
        bench = Bench(stack, database, options.broker)
        contenders = {name: partial(bench.measure, name, options.tasks) for name in options.only}
        columns = rounds(contenders, options.rounds)
    title = f"{options.tasks:,} tasks, -c {PROCESSES}, {database}, {options.broker}"
    report(title, columns, options.json, rounds=options.rounds)


if __name__ == "__main__":
    main()
