"""How fast are the pages of the dashboard over 100,000 schedules and a million tasks? PostgreSQL only.

    python3 dev.py bench pages [--tasks 1000000] [--schedules 100000] [--rounds 7] [--json FILE]

For each page: the median time of a request (inside of the process, without the network), its statements, and its size.
Beside them the stock list of django-celery-beat in Django's admin, over as many PeriodicTasks as there are schedules.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks._measure import arguments  # noqa: E402 - after the path to it
from tests.servers.postgres import PostgresServer  # noqa: E402 - as above


def main() -> None:
    """Print the table."""
    options = _options()
    with PostgresServer() as server, tempfile.TemporaryDirectory() as var:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "settings.test",
            "TANDEM_VAR": var,
            "DATABASE_URL": server.url,
            "LOG_LEVEL": "ERROR",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=environment, check=True)
        words = [str(options.tasks), str(options.schedules), str(options.rounds)]
        command = [sys.executable, "-m", "benchmarks._pages_figures", *words]
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{options.schedules:,} schedules, {options.tasks:,} tasks\n")
    print("| page | ms | statements | kB |\n|---|---:|---:|---:|")
    for name, figures in found.items():
        print(f"| {name} | {figures['ms']:.0f} | {figures['statements']} | {figures['kB']:.0f} |")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = arguments(__doc__, count=7)
    parser.add_argument("--tasks", type=int, default=1_000_000, help="the number of tasks")
    parser.add_argument("--schedules", type=int, default=100_000, help="the number of schedules")
    return parser.parse_args()


if __name__ == "__main__":
    main()
