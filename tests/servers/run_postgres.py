"""`python -m tests.servers.run_postgres -- COMMAND...`: runs COMMAND with DATABASE_URL of a private PostgreSQL.

With `--pgbouncer` before the `--`, a PgBouncer in transaction mode stands between the two.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.servers.pgbouncer import PgBouncer
from tests.servers.postgres import PostgresServer


def main() -> int:
    """The exit code of the command."""
    words = sys.argv[1:]
    pooled = words[:1] == ["--pgbouncer"]
    command = words[1:] if pooled else words
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        sys.stderr.write("Write the command to run after --.\n")
        return 2
    with PostgresServer() as server:
        if not pooled:
            return _run(command, DATABASE_URL=server.url)
        with PgBouncer(server.url) as pooler:
            return _run(command, DATABASE_URL=pooler.url, DATABASE_DIRECT_URL=server.url)


def _run(command: list[str], **variables: str) -> int:
    return subprocess.run(command, env={**os.environ, **variables}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
