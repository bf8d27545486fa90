"""Which server programs this machine has, and how to get the others. Standard library only: dev.py reads it too."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

# Daemons live in sbin folders, which a user's PATH often leaves out.
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Server:
    """A server tests can use: its name, the programs it needs and the Debian package that brings them."""

    name: str
    programs: tuple[str, ...]
    package: str
    needs_root: bool = False

    def how_to_get(self) -> str:
        """One line for people."""
        as_root = " and run the tests as root" if self.needs_root else ""
        return f"install it (Debian: apt-get install {self.package}; there, as root, dev.py does it){as_root}"


SERVERS = (
    Server("PostgreSQL", ("initdb", "postgres"), "postgresql"),
    Server("PgBouncer", ("pgbouncer",), "pgbouncer"),
    Server("Redis", ("redis-server",), "redis-server"),
    Server("RabbitMQ", ("rabbitmq-server",), "rabbitmq-server"),
    Server("cron", ("cron", "crontab"), "cron", needs_root=True),
    Server("busybox", ("busybox",), "busybox-static"),
    Server("chromium", ("chromium",), "chromium"),
    Server("systemd-analyze", ("systemd-analyze",), "systemd"),
)


def program(name: str) -> Path | None:
    """Where the program is: PostgreSQL's newest installed version first, then PATH and the sbin folders."""
    # Debian keeps PostgreSQL's server programs out of PATH, a folder for each major version.
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    newest = max(versions, key=lambda path: _version(path.parent.parent.name), default=None)
    if newest is not None:
        return newest
    found = shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{_SBIN}")
    return Path(found) if found else None


def not_installed() -> list[Server]:
    """The servers without all of their programs."""
    return [server for server in SERVERS if not all(program(name) for name in server.programs)]


def missing() -> list[tuple[str, str]]:
    """The servers that tests cannot use on this machine: (server, how to get it)."""
    absent = not_installed()
    unusable = [server for server in SERVERS if server in absent or (server.needs_root and os.geteuid() != 0)]
    return [(server.name, server.how_to_get()) for server in unusable]


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
