"""DATABASE_URL in, Django's DATABASES entry out: SQLite is the embedded database, PostgreSQL the real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

# WAL lets readers go on beside the one writer; IMMEDIATE takes the write lock at BEGIN, so a transaction that read
# first
# never fails half-way with "database is locked" (https://www.sqlite.org/lang_transaction.html).
_SQLITE_OPTIONS: Final[dict[str, Any]] = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}


def database(url: str, *, keep_seconds: int = 60) -> dict[str, Any]:
    """The DATABASES entry for `sqlite:///path` or `postgresql://user@host/name`; anything else is refused."""
    try:
        parsed: dict[str, Any] = dict(dj_database_url.parse(url))
    except ValueError as exc:
        raise _refused() from exc
    parsed.update(CONN_MAX_AGE=keep_seconds, CONN_HEALTH_CHECKS=True)
    if parsed["ENGINE"] == "django.db.backends.sqlite3":
        # A test database as a file: an in-memory one cannot be shared with the processes that tests start.
        name = Path(parsed["NAME"])
        return parsed | {
            "OPTIONS": dict(_SQLITE_OPTIONS),
            "TEST": {"NAME": str(name.with_name(f"test-{name.name}"))},
        }
    if parsed["ENGINE"] == "django.db.backends.postgresql" and parsed["NAME"]:
        return parsed | {"OPTIONS": {**parsed.get("OPTIONS", {}), "connect_timeout": 2}}
    raise _refused()


def _refused() -> ImproperlyConfigured:
    # The URL may hold a password: it is never repeated.
    return ImproperlyConfigured(
        "DATABASE_URL is not usable: write sqlite:////absolute/path.sqlite3 or "
        "postgresql://user:password@host:5432/name (percent-encode special characters)."
    )
