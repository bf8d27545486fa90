"""From due schedules to messages: LedgerScheduler beside django-celery-beat's own scheduler, in the same run.

    python benchmarks/dispatch.py

10,000 schedules, 1,000 of them due at once, on SQLite and (if it is installed) on PostgreSQL, with the embedded broker.
LedgerScheduler plans, stores and publishes tasks. The stock scheduler publishes wake-ups only: a worker makes the tasks
later. The last line is the rate at which one worker with two processes runs the tasks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.servers.postgres import PostgresServer  # noqa: E402 - after the path to it
from tests.servers.programs import program  # noqa: E402 - as above
from tests.servers.redis_like import ValkeyServer  # noqa: E402 - as above

LINES = {
    "ledger_per_second": "LedgerScheduler, tasks a second",
    "stock_per_second": "DatabaseScheduler, wake-ups a second",
    "ledger_idle_ms": "LedgerScheduler, idle tick (ms)",
    "stock_idle_ms": "DatabaseScheduler, idle tick (ms)",
    "worker_per_second": "worker, tasks done a second",
}


@contextmanager
def postgres_url() -> Iterator[str]:
    """The URL of a private PostgreSQL."""
    with PostgresServer() as server:
        yield server.url


@contextmanager
def sqlite_url() -> Iterator[str]:
    """The URL of a new database file."""
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/bench.sqlite3"


def measure(database_url: str) -> dict[str, float]:
    """One column of the table, in a process with these settings."""
    with ValkeyServer() as broker, tempfile.TemporaryDirectory() as var:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.live.live_settings",
            "TANDEM_TEST_OWNER": "alone",
            "TANDEM_VAR": var,
            "DATABASE_URL": database_url,
            "BROKER_URL": broker.url,
            "LOG_LEVEL": "WARNING",
        }
        command = [sys.executable, "-m", "benchmarks._dispatch_rates"]
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    rates: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return rates


def main() -> None:
    """Print the table."""
    with sqlite_url() as url:
        columns = {"SQLite": measure(url)}
    if program("postgres") is not None:
        with postgres_url() as url:
            columns["PostgreSQL"] = measure(url)
    print(f"{'10,000 schedules, 1,000 due':<40}" + "".join(f"{name:>12}" for name in columns))
    for key, line in LINES.items():
        print(f"{line:<40}" + "".join(f"{rates[key]:>12,.1f}" for rates in columns.values()))


if __name__ == "__main__":
    main()
