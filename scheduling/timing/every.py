"""Intervals: a fixed rate, counted from an anchor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, takewhile

from scheduling.errors import InvalidTrigger
from scheduling.phrases import phrase
from scheduling.timing.grammar import excerpt
from scheduling.timing.instants import since_epoch

_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = since_epoch(datetime.max.replace(tzinfo=UTC)) // _SECOND


@dataclass(frozen=True, slots=True)
class Every:
    """Fires at `anchor` and every `seconds` after it. Clock changes and calendars have no effect. A value.

    `seconds` is a whole number, 1 or more. `anchor` is aware, has whole seconds, and is kept in UTC. Raises
    InvalidTrigger (field `seconds` or `anchor`) for anything else.
    """

    seconds: int
    anchor: datetime

    def __post_init__(self) -> None:
        _check_seconds(self.seconds)
        object.__setattr__(self, "anchor", _whole_utc_second(self.anchor))  # the class is frozen

    def occurrences(self, after: datetime, until: datetime | None = None) -> Iterator[datetime]:
        """The instants (aware, UTC) strictly after `after`, up to and including `until`, ascending.

        Without `until`, they end with the year 9999. Raises ValueError at the call for naive datetimes.
        """
        last = _LAST_SECOND if until is None else min(since_epoch(until) // _SECOND, _LAST_SECOND)
        anchor = since_epoch(self.anchor) // _SECOND
        intervals = max(0, (since_epoch(after) // _SECOND - anchor) // self.seconds + 1)
        due = count(anchor + intervals * self.seconds, self.seconds)
        return map(_instant, takewhile(lambda second: second <= last, due))

    def next(self, after: datetime) -> datetime | None:
        """The first occurrence strictly after `after`; None when there is no other up to the year 9999."""
        return next(self.occurrences(after), None)

    def count(self, after: datetime, until: datetime) -> int:
        """How many occurrences there are strictly after `after`, up to and including `until`, without listing them."""
        first = self.next(after)
        return 0 if first is None or first > until else (until - first) // timedelta(seconds=self.seconds) + 1


def _check_seconds(seconds: object) -> None:
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 1:
        raise InvalidTrigger(
            phrase("seconds: a whole number, 1 or more, is needed"), field="seconds", text=excerpt(repr(seconds)[:50])
        )


def _whole_utc_second(anchor: object) -> datetime:
    if not isinstance(anchor, datetime) or anchor.utcoffset() is None:
        raise InvalidTrigger(phrase("anchor: a date and time with its offset is needed"), field="anchor")
    if since_epoch(anchor) % _SECOND:
        whole = anchor.replace(microsecond=0).isoformat()
        raise InvalidTrigger(
            phrase("anchor: a whole second is needed; write {instead}", instead=whole),
            field="anchor",
            text=anchor.isoformat(),
            instead=whole,
        )
    try:
        return anchor.astimezone(UTC)
    except OverflowError as error:
        raise InvalidTrigger(phrase("anchor: not in the years 1 to 9999 of UTC"), field="anchor") from error


def _instant(second: int) -> datetime:
    return _EPOCH + timedelta(seconds=second)
