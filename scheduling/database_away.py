"""A database that is away (a restart, a network that is cut), busy, full or read-only: recognising it, and waiting."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_never,
    wait_chain,
    wait_fixed,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

# How the names of what SQLite says about itself and its file begin (https://www.sqlite.org/rescode.html). Other names
# concern the statement. Names, because the numbers take the module sqlite3: a megabyte that nobody needs on PostgreSQL.
_SQLITE_NAMES: Final = (
    "SQLITE_BUSY",
    "SQLITE_LOCKED",
    "SQLITE_NOMEM",
    "SQLITE_READONLY",
    "SQLITE_IOERR",
    "SQLITE_FULL",
    "SQLITE_CANTOPEN",
    "SQLITE_PROTOCOL",
)
# https://www.postgresql.org/docs/current/errcodes-appendix.html: a server in recovery accepts no writes; and a class of
# errors that the driver counts among those of the server, though the statement itself is too long or too complex.
_READ_ONLY: Final = "25006"
_STATEMENT_TOO_LARGE: Final = "54"


def unavailable(exc: BaseException) -> str:
    """The name of what keeps the database from working: it is away, busy, full or read-only. '' for any other error.

    The name is the driver's, such as `SQLITE_BUSY` or `DiskFull 53100`. The text of `exc` is no part of it, because
    that may hold names, addresses and values.
    """
    cause = exc.__cause__
    if type(cause).__module__ == "sqlite3":
        # Errors of Python's module itself have no name.
        name = getattr(cause, "sqlite_errorname", "")
        return name if name.startswith(_SQLITE_NAMES) else ""
    state = getattr(cause, "sqlstate", None) or ""
    away = isinstance(exc, OperationalError | InterfaceError) and not state.startswith(_STATEMENT_TOO_LARGE)
    if away or (isinstance(exc, DatabaseError) and state == _READ_ONLY):
        return f"{type(cause or exc).__name__} {state}".strip()
    return ""


def wait_through(
    work: Callable[[], T],
    *,
    pauses: Sequence[float],
    for_ever: bool = False,
    level: int = logging.WARNING,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """What `work` returns, which is called again after each of the `pauses` (in seconds) while the database is away.

    `work` may be half done when it is called again. Each trouble is logged at `level`, and the connection is closed:
    the next attempt gets a new one. Raises the error of a database that is still away after the last pause, unless
    `for_ever` repeats that pause. Other errors of `work` are raised at once.
    """

    def before_sleep(state: RetryCallState) -> None:
        trouble = state.outcome.exception() if state.outcome else None
        log.log(level, "the database is away, trying again in %s s: %s", state.upcoming_sleep, str(trouble).strip())
        connection.close()

    trying = Retrying(
        retry=retry_if_exception(lambda exc: unavailable(exc) != ""),
        stop=stop_never if for_ever else stop_after_attempt(len(pauses) + 1),
        # Without pauses nothing is waited for; tenacity repeats the last one.
        wait=wait_chain(*map(wait_fixed, pauses or (0,))),
        before_sleep=before_sleep,
        sleep=sleep,
        reraise=True,
    )
    return trying(work)
