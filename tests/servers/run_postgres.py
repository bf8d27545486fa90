"""`python -m tests.servers.run_postgres -- COMMAND...`: runs COMMAND with DATABASE_URL of a private PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.servers.postgres import PostgresServer


def main() -> int:
    """The exit code of the command."""
    command = sys.argv[1:]
    if command[:1] == ["--"]:
        command = command[1:]
    if not command:
        sys.stderr.write("Write the command to run after --.\n")
        return 2
    with PostgresServer() as server:
        return subprocess.run(command, env={**os.environ, "DATABASE_URL": server.url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
