"""Converts aware datetimes to and from whole minutes since 1970-01-01 00:00 UTC, in which this package counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

MINUTES_A_DAY = 1440
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_INTO_DAY = tuple(timedelta(minutes=minute) for minute in range(MINUTES_A_DAY))

FIRST_MINUTE = (date.min.toordinal() - EPOCH_ORDINAL) * MINUTES_A_DAY
LAST_MINUTE = (date.max.toordinal() - EPOCH_ORDINAL + 1) * MINUTES_A_DAY - 1


def since_epoch(moment: datetime) -> timedelta:
    """The time from 1970-01-01 00:00 UTC to `moment`; raises ValueError for a naive one.

    Never overflows, even when `moment` has no representation in UTC (`datetime.max` in New York).
    """
    try:
        return moment - _EPOCH
    except TypeError as error:
        raise ValueError(f"{moment!r} has no time zone; give an aware datetime") from error


def minute_of(moment: datetime) -> int:
    """The UTC minute that contains `moment`, counted from 1970; raises ValueError for a naive one."""
    return since_epoch(moment) // _MINUTE


def instant(minute: int) -> datetime:
    """The aware UTC datetime at which `minute` begins."""
    day, into_day = divmod(minute, MINUTES_A_DAY)
    return _midnight(day) + _INTO_DAY[into_day]


# A year of occurrences is up to half a million instants: their midnights and distances are made once.
@lru_cache(maxsize=1024)
def _midnight(day: int) -> datetime:
    return _EPOCH + timedelta(days=day)
