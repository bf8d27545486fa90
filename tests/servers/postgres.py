"""A private PostgreSQL: one cluster in a temporary folder."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from pathlib import Path

import psycopg

from tests.servers.server import Server, ServerError, identity, needed

# Nothing is forced to the disk: only a crash of the machine may lose data. What is committed still reaches the system,
# so that a killed server comes back with it (synchronous_commit stays on).
_FAST = ("fsync=off", "full_page_writes=off", "max_connections=200", "shared_buffers=32MB")


class PostgresServer(Server):
    """PostgreSQL on a loopback port and a unix socket in its folder; user and database `tandem`, no password."""

    # "Fast shutdown": open connections are ended (postgres(1)).
    stop_signal = signal.SIGINT

    def __init__(self, template: Path | None = None) -> None:
        """`template` is the `data` of a server that was stopped: it is copied, which takes less time than a new one."""
        super().__init__()
        self._template = template

    @property
    def url(self) -> str:
        return f"postgresql://tandem@127.0.0.1:{self.port}/tandem"

    def user(self) -> pwd.struct_passwd | None:
        """PostgreSQL refuses to run as root."""
        if os.geteuid() != 0:
            return None
        try:
            return pwd.getpwnam("postgres")
        except KeyError:
            return pwd.getpwnam("nobody")

    @property
    def data(self) -> Path:
        """The folder of the cluster."""
        return self.folder / "data"

    def prepare(self) -> None:
        if self._template is not None:
            subprocess.run(["cp", "--archive", str(self._template), str(self.data)], check=True)
            return
        options = ["--username=tandem", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
        made = subprocess.run(
            [needed("initdb"), *options, "--pgdata", str(self.data)],
            capture_output=True,
            check=False,
            cwd=self.folder,
            **identity(self.user()),
        )
        if made.returncode:
            raise ServerError(f"initdb failed:\n{made.stderr.decode(errors='replace')}")

    def command(self) -> list[str]:
        listen = ["-c", "listen_addresses=127.0.0.1", "-p", str(self.port), "-k", str(self.folder)]
        fast = [word for setting in _FAST for word in ("-c", setting)]
        return [needed("postgres"), "-D", str(self.data), *listen, *fast]

    def answers(self) -> bool:
        try:
            with psycopg.connect(self._maintenance_url, autocommit=True, connect_timeout=5) as connection:
                known = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'tandem'").fetchone()
                if known is None:
                    connection.execute("CREATE DATABASE tandem")
                return True
        except psycopg.OperationalError:
            return False

    @property
    def _maintenance_url(self) -> str:
        # Over the socket: at a taken TCP port somebody else's server might answer.
        return f"postgresql:///postgres?host={self.folder}&port={self.port}&user=tandem"
