"""A private PgBouncer in transaction mode, in front of a PostgreSQL that runs already."""

from __future__ import annotations

import os
import pwd
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg

from tests.servers.server import Server, needed

# `server_round_robin`: each transaction gets the connection that was used the longest time ago, so that what a session
# leaves behind is missed, or found by another, at the next statement. `so_reuseport` is off: two that chose the same
# port must not share it.
_SETTINGS: Final = {
    "listen_addr": "127.0.0.1",
    "unix_socket_dir": "",
    "pool_mode": "transaction",
    "server_round_robin": "1",
    "so_reuseport": "0",
    "max_client_conn": "500",
    "auth_type": "trust",
    "admin_users": "tandem",
    "logfile": "",
}


class PgBouncer(Server):
    """PgBouncer on a loopback port; `url` names the database of the address `behind`, and says what stands before it.

    `connections` is the number of connections to the database, for each database and user.
    """

    def __init__(self, behind: str, *, connections: int = 3) -> None:
        super().__init__()
        self._behind = urlsplit(behind)
        self._connections = connections

    @property
    def url(self) -> str:
        return f"{self._address}{self._behind.path}?pooler=transaction"

    def user(self) -> pwd.struct_passwd | None:
        """PgBouncer refuses to run as root."""
        return pwd.getpwnam("nobody") if os.geteuid() == 0 else None

    def prepare(self) -> None:
        (self.folder / "users.txt").write_text('"tandem" ""\n')
        lines = {
            "listen_port": self.port,
            "auth_file": self.folder / "users.txt",
            "default_pool_size": self._connections,
            **_SETTINGS,
        }
        settings = "".join(f"{name} = {value}\n" for name, value in lines.items())
        behind = f"* = host={self._behind.hostname} port={self._behind.port}\n"
        (self.folder / "pgbouncer.ini").write_text(f"[databases]\n{behind}[pgbouncer]\n{settings}")

    def command(self) -> list[str]:
        return [needed("pgbouncer"), "--quiet", str(self.folder / "pgbouncer.ini")]

    def answers(self) -> bool:
        try:
            # Somebody else's server at this port has another file of settings.
            return str(self.folder / "users.txt") in {row[1] for row in self.shown("CONFIG")}
        except psycopg.OperationalError:
            return False

    def shown(self, what: str) -> list[Any]:
        """The rows of SHOW `what`: POOLS, CLIENTS, SERVERS, VERSION (pgbouncer(1))."""
        # Its console knows the simple protocol only.
        with psycopg.connect(f"{self._address}/pgbouncer", autocommit=True, connect_timeout=5) as console:
            return psycopg.ClientCursor(console).execute(f"SHOW {what}").fetchall()

    @property
    def _address(self) -> str:
        return f"postgresql://tandem@127.0.0.1:{self.port}"
