"""What a ledger costs as it grows: dispatch, an idle tick, each list, the feed, the bytes of a task. PostgreSQL only.

    python3 dev.py bench growth [--sizes 100000 1000000 10000000] [--schedules 100000]

Milliseconds are of CPU, so that what else the machine does counts little. One private server, whose ledger is grown
from size to size; a column for each. Flat is a row whose figures do not grow with the columns. The rows are made in the
database. A ledger of 10,000,000 tasks takes about 13 GB and half an hour on two cores, so it is measured when asked
for. `--url` measures a ledger that is already there (it is written to): of a database that an earlier run has filled.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks._measure import Figures, arguments, report  # noqa: E402 - after the path to it
from tests.servers.postgres import PostgresServer  # noqa: E402 - as above


def main() -> None:
    """Print the table."""
    options = _options()
    with ExitStack() as stack:
        url = options.url or stack.enter_context(PostgresServer()).url
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "settings.test",
            "TANDEM_VAR": stack.enter_context(tempfile.TemporaryDirectory()),
            "DATABASE_URL": url,
            "BROKER_URL": "embedded:",
            "LOG_LEVEL": "ERROR",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=environment, check=True)
        columns = {f"{size:,}": _grown(size, options, environment) for size in sorted(options.sizes)}
    report(f"tasks, with {options.schedules:,} schedules", columns, options.json)


def _grown(size: int, options: argparse.Namespace, environment: dict[str, str]) -> Figures:
    """The figures of the ledger once it has so many tasks."""
    words = [str(size), str(options.schedules), str(options.rounds)]
    command = [sys.executable, "-m", "benchmarks._growth_figures", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


def _options() -> argparse.Namespace:
    parser = arguments(__doc__, count=20)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000], help="numbers of tasks")
    parser.add_argument("--schedules", type=int, default=100_000, help="the number of schedules")
    parser.add_argument("--url", help="postgresql://... of a ledger to measure, in place of a private server")
    return parser.parse_args()


if __name__ == "__main__":
    main()
