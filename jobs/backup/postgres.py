"""A backup of a PostgreSQL database: pg_dump's custom format (pg_dump(1)), then a check by pg_restore(1)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jobs import process
from jobs.backup.errors import BackupFailed
from scheduling.storable import storable_text

# Django's settings and libpq's variables (https://www.postgresql.org/docs/current/libpq-envars.html). Not arguments:
# every user of the machine can read the arguments of a process.
_VARIABLES: Final = {
    "NAME": "PGDATABASE",
    "USER": "PGUSER",
    "PASSWORD": "PGPASSWORD",
    "HOST": "PGHOST",
    "PORT": "PGPORT",
}
_OPTIONS: Final = {
    "service": "PGSERVICE",
    "passfile": "PGPASSFILE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}
# Of what pg_dump says: it ends up in an error message.
_MOST_BYTES: Final = 10_000


def back_up(database: Mapping[str, Any], target: Path, *, timeout: float, cancelled: Callable[[], bool]) -> None:
    """Dump the database of a DATABASES entry into the file `target`, then check the dump with `check`.

    The dump is a consistent snapshot. `timeout` is in seconds: for the dump, and again for the check. Raises
    BackupFailed, TimedOut and Cancelled.
    """
    env = environment(database)
    _run(["pg_dump", "--format=custom", "--no-password", f"--file={target}"], env, timeout, cancelled)
    check(target, timeout=timeout, cancelled=cancelled)


def check(dump: Path, *, timeout: float, cancelled: Callable[[], bool]) -> None:
    """Read and unpack a whole dump, within `timeout` seconds. Raises BackupFailed, TimedOut and Cancelled."""
    _run(["pg_restore", "--file=/dev/null", "--", str(dump)], dict(os.environ), timeout, cancelled)


def environment(database: Mapping[str, Any]) -> dict[str, str]:
    """This process's environment, plus the variables with which libpq reaches the database of a DATABASES entry."""
    options = database.get("OPTIONS") or {}
    named = {variable: database.get(key) for key, variable in _VARIABLES.items()}
    named |= {variable: options.get(key) for key, variable in _OPTIONS.items()}
    return dict(os.environ) | {variable: str(value) for variable, value in named.items() if value not in {None, ""}}


def _run(argv: Sequence[str], env: Mapping[str, str], timeout: float, cancelled: Callable[[], bool]) -> None:
    program = shutil.which(argv[0])
    if program is None:
        raise BackupFailed(f"{argv[0]} is not installed on this machine (Debian: apt-get install postgresql-client).")
    ended = process.run(
        [program, *argv[1:]], env=env, cwd="/", timeout=timeout, cancelled=cancelled, most_bytes=_MOST_BYTES
    )
    if ended.code != 0:
        said = storable_text(ended.errors.decode("utf-8", "replace")).strip()
        raise BackupFailed(f"{argv[0]} ended with {ended.code}: {said[:1000]}")
