"""Waiting for a database that is away: it restarts, or the network to it is cut."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_chain, wait_fixed

log = logging.getLogger(__name__)

T = TypeVar("T")


def wait_through(
    work: Callable[[], T],
    *,
    pauses: Sequence[float],
    level: int = logging.WARNING,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """What `work` returns, which is called again after each of the `pauses` (in seconds) while the database is away.

    `work` may be half done when it is called again. Each trouble is logged at `level`, and the connection is closed:
    the next attempt gets a new one. Raises OperationalError or InterfaceError where the database is still away after
    the last pause, and at once whatever else `work` raises.
    """

    def before_sleep(state: RetryCallState) -> None:
        trouble = state.outcome.exception() if state.outcome else None
        log.log(level, "the database is away, trying again in %s s: %s", state.upcoming_sleep, str(trouble).strip())
        connection.close()

    trying = Retrying(
        retry=retry_if_exception_type((OperationalError, InterfaceError)),
        stop=stop_after_attempt(len(pauses) + 1),
        # The last one is never waited for: it stands for the attempt after all pauses.
        wait=wait_chain(*map(wait_fixed, (*pauses, 0))),
        before_sleep=before_sleep,
        sleep=sleep,
        reraise=True,
    )
    return trying(work)
