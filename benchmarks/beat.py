"""What a beat costs: LedgerScheduler beside django-celery-beat's DatabaseScheduler, in the same run.

    python3 dev.py bench beat [--database postgresql|sqlite] [--broker redis|rabbitmq] [--schedules N] [--due N]

Each has N schedules in a database of its own, on the same servers. A round is: start as a process (as `manage.py beat`,
or `celery beat`), then in one process idle ticks, then `--due` of them
come due at one instant, and the beat ticks until all are fired. The contenders take turns; each figure is the median of
the rounds. LedgerScheduler plans, stores a task with its first event, and publishes it, with the answer of the broker
awaited. DatabaseScheduler only publishes. It is stopped after a while: how late its last one would have been is
projected from its rate. CPU is that of the beat, of the database server and of the broker, for each fire.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

import psycopg

from benchmarks._measure import Figures, arguments, report, resident_mb, rounds
from tests.servers.postgres import PostgresServer
from tests.servers.rabbitmq import RabbitServer
from tests.servers.redis_like import RedisServer
from tests.servers.server import Server

ROOT: Final = Path(__file__).parents[1]
CONTENDERS: Final = {"DatabaseScheduler": "stock", "LedgerScheduler": "ledger"}
# Seconds: upkeep has then been through all of its steps, and the broker's client is loaded.
SETTLED: Final = 4.0


class Bench:
    """The servers that both contenders use, and a process for each thing they do."""

    def __init__(self, stack: ExitStack, database: str, broker: str) -> None:
        self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tandem-bench-")))
        self._database: Server | None = None
        self._broker: Server = stack.enter_context(RabbitServer() if broker == "rabbitmq" else RedisServer())
        if database == "postgresql":
            self._database = stack.enter_context(PostgresServer())
            with psycopg.connect(self._database.url, autocommit=True) as connection:
                for side in CONTENDERS.values():
                    connection.execute(f"CREATE DATABASE {side}")

    def fill(self, side: str, schedules: int) -> None:
        """Make the tables and the schedules."""
        self.run(side, "benchmarks._beat", side, "fill", str(schedules))

    def measure(self, side: str, due: int) -> Figures:
        """One round of one contender."""
        servers = {"database": self._database, "broker": self._broker}
        pids = {name: server.process.pid for name, server in servers.items() if server and server.process}
        started = self._start(side)
        round_of: Figures = json.loads(
            self.run(side, "benchmarks._beat", side, "round", str(due), json.dumps(pids)).splitlines()[-1]
        )
        return started | round_of

    def _start(self, side: str) -> Figures:
        """Start a beat as it is started in earnest: until its first tick is done, and its memory when all is loaded."""
        begun = time.monotonic()
        command = [sys.executable, "-m", "benchmarks._beat_process", side]
        with subprocess.Popen(
            command, cwd=ROOT, env=self._environment(side), stdout=subprocess.PIPE, text=True
        ) as beat:
            first = float(beat.stdout.readline()) if beat.stdout else 0.0
            figures = {"start to the first tick, s": time.monotonic() - begun, "memory then, MB": first}
            time.sleep(SETTLED)
            figures["memory when all is loaded, MB"] = resident_mb(beat.pid)
            beat.terminate()
        return figures

    def run(self, side: str, *words: str) -> str:
        """Run a module on the side's database. Returns what it prints."""
        command = [sys.executable, "-m", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environment(side), stdout=subprocess.PIPE, check=True, text=True
        )
        return done.stdout

    def _environment(self, side: str) -> dict[str, str]:
        if self._database is not None:
            database = self._database.url.removesuffix("tandem") + side
        else:
            database = f"sqlite:///{self._folder}/{side}.sqlite3"
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.live.live_settings",
            "TANDEM_TEST_OWNER": "alone",
            "TANDEM_VAR": str(self._folder),
            "DATABASE_URL": database,
            "BROKER_URL": self._broker.url,
            "LOG_LEVEL": "WARNING",
        }


def main() -> None:
    """Print the table."""
    parser = arguments(__doc__)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--broker", choices=["redis", "rabbitmq"], default="redis")
    parser.add_argument("--schedules", type=int, default=100_000)
    parser.add_argument("--due", type=int, default=10_000)
    parser.add_argument("--only", choices=list(CONTENDERS), help="measure one of the two, such as with 1,000,000")
    options = parser.parse_args()
    chosen = {name: side for name, side in CONTENDERS.items() if options.only in {None, name}}
    with ExitStack() as stack:
        bench = Bench(stack, options.database, options.broker)
        for side in chosen.values():
            bench.fill(side, options.schedules)
        contenders = {name: partial(bench.measure, side, options.due) for name, side in chosen.items()}
        columns = rounds(contenders, options.rounds)
    title = f"{options.due:,} due of {options.schedules:,}, {options.database}, {options.broker}"
    report(title, columns, options.json, rounds=options.rounds)


if __name__ == "__main__":
    main()
