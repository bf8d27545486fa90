"""The clock that decides what is due: the database's, which all machines share.

Between two looks at it the process counts by its own monotonic clock, so the clock of this machine decides nothing. A
leap of the database's clock is believed only once it has lasted: a clock that is an hour ahead for half a minute must
not move every schedule on by an hour.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import connection
from django.utils import timezone

log = logging.getLogger(__name__)

# Seconds between two looks at the database's clock: in this time, clocks that are corrected differ by milliseconds.
LOOK_EVERY: Final = 5.0
# A larger difference is a leap. Smaller ones are gradual corrections, and the time that the query takes.
LEAP: Final = timedelta(seconds=30)
# A leap that has lasted for so many seconds is believed.
CONFIRM_AFTER: Final = 60.0


_SQL: Final = {
    "postgresql": "SELECT clock_timestamp()",
    "sqlite": "SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')",
}


class Clock:
    """Tells the database's time. `look` asks the database, `monotonic` counts seconds, `wall` is this machine's clock.

    The first look is believed only where it agrees with `wall` to LEAP; until it is confirmed the earlier of the two
    counts, so that nothing is called due too early.
    """

    def __init__(
        self, look: Callable[[], datetime], monotonic: Callable[[], float], wall: Callable[[], datetime]
    ) -> None:
        self._look = look
        self._monotonic = monotonic
        self._wall = wall
        self._lock = threading.Lock()
        # What is believed: the time at a moment of the monotonic clock.
        self._believed: tuple[datetime, float] | None = None
        self._looked = 0.0
        # Since when the database has told another time, and by how much.
        self._leap: tuple[float, timedelta] | None = None

    def now(self) -> datetime:
        """The time by the database's clock (UTC). Asks the database at most every LOOK_EVERY seconds.

        Raises what the query raises when the database does not answer.
        """
        with self._lock:
            moment = self._monotonic()
            if self._believed is not None and moment - self._looked < LOOK_EVERY:
                return _later(self._believed, moment)
            told = self._look()
            self._looked = self._monotonic()
            return self._take_in(told, self._looked)

    def tell(self, told: datetime) -> datetime:
        """Take in what a query of the caller's has just read from the database's clock. Returns the time, as `now`.

        So `now` asks for nothing itself for the next LOOK_EVERY.
        """
        with self._lock:
            self._looked = self._monotonic()
            return self._take_in(told, self._looked)

    def estimate(self) -> datetime:
        """The same without asking the database: this machine's clock where the process has not looked yet."""
        believed = self._believed
        return self._wall() if believed is None else _later(believed, self._monotonic())

    def _take_in(self, told: datetime, moment: float) -> datetime:
        """Note what the database told, and return the time that is believed."""
        believed = self._believed or (min(told, self._wall()), moment)
        ahead = told - _later(believed, moment)
        if abs(ahead) <= LEAP:
            believed, self._leap = (told, moment), None
        elif self._leap is None or abs(ahead - self._leap[1]) > LEAP:
            self._leap = (moment, ahead)
            log.warning("the database's clock leapt by %s: it is believed if that lasts %.0f s", ahead, CONFIRM_AFTER)
        elif moment - self._leap[0] >= CONFIRM_AFTER:
            log.warning("the database's clock leapt by %s and stays so: it is believed", ahead)
            believed, self._leap = (told, moment), None
        self._believed = believed
        return _later(believed, moment)


def database_time() -> datetime:
    """What the database's clock shows, to the millisecond or better. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL[connection.vendor])
        told = cursor.fetchone()[0]
    return told if isinstance(told, datetime) else datetime.fromisoformat(told).replace(tzinfo=UTC)


def tell(told: datetime) -> datetime:
    """Take in a time that a query has just read from the database's clock. See Clock.tell."""
    return _clock.tell(told)


def now() -> datetime:
    """The time that decides what is due in this process. See Clock.now."""
    return _clock.now()


def estimate() -> datetime:
    """The same, for where no query may be made. See Clock.estimate."""
    return _clock.estimate()


def _later(believed: tuple[datetime, float], moment: float) -> datetime:
    time_then, then = believed
    return time_then + timedelta(seconds=moment - then)


def _begin() -> None:
    global _clock  # noqa: PLW0603 - one clock a process
    _clock = Clock(database_time, time.monotonic, timezone.now)


_clock: Clock
_begin()
# A child must not inherit the lock while another thread of its parent holds it.
os.register_at_fork(after_in_child=_begin)
