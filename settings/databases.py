"""Turn DATABASE_URL into Django's DATABASES entry: SQLite for development, PostgreSQL for production."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

# A request waits at most this many seconds for a connection, or for SQLite's one writer; then it is answered with 503.
WEB_WAIT_SECONDS: Final = 2

# WAL lets readers go on beside the one writer. IMMEDIATE takes the write lock at BEGIN: otherwise a transaction that
# reads first and writes later can fail with "database is locked" (https://www.sqlite.org/lang_transaction.html).
_SQLITE_OPTIONS: Final[dict[str, Any]] = {
    "timeout": 20,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}

# RETURNING and WITH ... AS MATERIALIZED came with it (https://www.sqlite.org/releaselog/3_35_0.html). Debian 12 and
# Python's own installers bring a newer one.
_OLDEST_SQLITE: Final = (3, 35, 0)

# A claim and an end are prepared when a connection has made this many of them: they are then parsed and planned only
# once. `?prepare_threshold=` in DATABASE_URL is another number, or `none`.
_PREPARE_AFTER: Final = 5
# A network that is cut says nothing: without these a statement waits for a quarter of an hour, and a beat's loop too.
# What was sent and is not acknowledged for ten seconds is given up (milliseconds). So is an answer that does not come,
# if the server's machine does not answer three questions, two seconds apart, after five. A long statement is not.
_CUT_OFF: Final = {
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}


def database(url: str, *, keep_seconds: int = 60, variable: str = "DATABASE_URL") -> dict[str, Any]:
    """The DATABASES entry for `sqlite:///path` or `postgresql://user@host/name`.

    An idle connection is kept for `keep_seconds`. `?pooler=transaction` says that a pooler stands before PostgreSQL
    that gives each transaction another connection (docs/scale-out.md). Raises ImproperlyConfigured, which names
    `variable`, for every other URL, and for an SQLite that is too old.
    """
    try:
        parsed: dict[str, Any] = dict(dj_database_url.parse(url))
    except ValueError as exc:
        raise _refused(variable) from exc
    parsed.update(CONN_MAX_AGE=keep_seconds, CONN_HEALTH_CHECKS=True)
    if parsed["ENGINE"] == "django.db.backends.sqlite3":
        _check_sqlite()
        # The test database is a file, because the processes that tests start cannot share one in memory.
        name = Path(parsed["NAME"])
        return parsed | {
            "OPTIONS": dict(_SQLITE_OPTIONS),
            "TEST": {"NAME": str(name.with_name(f"test-{name.name}"))},
        }
    if parsed["ENGINE"] == "django.db.backends.postgresql" and parsed["NAME"]:
        return parsed | _postgres(parsed.get("OPTIONS", {}), variable)
    raise _refused(variable)


def direct_database(url: str) -> dict[str, Any] | None:
    """The DATABASES entry of DATABASE_DIRECT_URL, which leads past the pooler; None for an empty one.

    Raises ImproperlyConfigured where it is not an address of PostgreSQL itself.
    """
    if not url:
        return None
    made = database(url, variable="DATABASE_DIRECT_URL")
    if made["ENGINE"] != "django.db.backends.postgresql" or made.get("DISABLE_SERVER_SIDE_CURSORS"):
        raise ImproperlyConfigured(
            "DATABASE_DIRECT_URL is not usable: write the address of PostgreSQL itself, "
            "postgresql://user:password@host:5432/name, without ?pooler=."
        )
    return made


def for_web(entry: dict[str, Any], *, connections: int) -> None:
    """Change a DATABASES entry, in place, for a process that answers requests. No connection may be open yet.

    Each request runs in a thread of its own, so a kept connection would stay behind with each of them. Requests share
    a pool of at most `connections` instead (SQLite: each has its own), and keep none.
    """
    entry["CONN_MAX_AGE"] = 0
    if entry["ENGINE"] == "django.db.backends.sqlite3":
        entry["OPTIONS"]["timeout"] = WEB_WAIT_SECONDS
        return
    entry["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": connections,
        "timeout": WEB_WAIT_SECONDS,
        # The pause between two tries doubles until the pool gives up. The next request lets it begin anew, so that a
        # database that was away for long is found soon after its return.
        "reconnect_timeout": WEB_WAIT_SECONDS,
    }


def _check_sqlite() -> None:
    import sqlite3  # noqa: PLC0415 - a megabyte that nobody needs on PostgreSQL

    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        oldest = ".".join(map(str, _OLDEST_SQLITE))
        raise ImproperlyConfigured(
            f"This Python has SQLite {sqlite3.sqlite_version}, and Tandem needs {oldest} or newer: "
            "use a newer Python, or set DATABASE_URL to a PostgreSQL database."
        )


def _postgres(given: dict[str, Any], variable: str) -> dict[str, Any]:
    """What differs from Django's own entry; `given` are the words after the `?` of the URL."""
    options = {"prepare_threshold": _PREPARE_AFTER, **_CUT_OFF, **given, "connect_timeout": 2}
    pooler = options.pop("pooler", "none")
    if pooler not in {"none", "transaction"}:
        raise ImproperlyConfigured(f"{variable} is not usable: write ?pooler=transaction, or leave it out.")
    if pooler == "transaction" and "prepare_threshold" not in given:
        # Only newer poolers keep the prepared statements of a client.
        options["prepare_threshold"] = None
    if options["prepare_threshold"] == "none":
        options["prepare_threshold"] = None
    # Outside a transaction each FETCH from a cursor at the server may reach another connection, which has none.
    return {"OPTIONS": options, "DISABLE_SERVER_SIDE_CURSORS": pooler == "transaction"}


def _refused(variable: str) -> ImproperlyConfigured:
    # The message does not repeat the URL: it may hold a password.
    return ImproperlyConfigured(
        f"{variable} is not usable: write sqlite:////absolute/path.sqlite3 or "
        "postgresql://user:password@host:5432/name (percent-encode special characters)."
    )
