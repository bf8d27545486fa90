"""How often was something tried? Counted in the database, so that it holds for all web processes together.

An attempt is stored first and counted then: of many that come at once, no more than are allowed get through.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from api.models import CountedAttempt


@dataclass(frozen=True, slots=True)
class Allowance:
    """`who` may try at most `most` times in `window`. `who` also says what is tried: `login from 10.0.0.1`."""

    who: str
    most: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that was counted, or one that was refused: then `wait` says for how long, and it is not counted."""

    row_ids: tuple[int, ...]
    wait: timedelta | None = None

    def forget(self) -> None:
        """Do not count this one."""
        CountedAttempt.objects.filter(pk__in=self.row_ids).delete()


def count(allowances: Sequence[Allowance], *, now: datetime) -> Attempt:
    """Count an attempt against each allowance. Refused if one of them is used up."""
    made = Attempt(tuple(_store(one, now) for one in allowances))
    waits = [wait for one in allowances if (wait := _wait(one, now)) is not None]
    if not waits:
        return made
    made.forget()
    return Attempt((), max(waits))


def _store(allowance: Allowance, now: datetime) -> int:
    key = _key(allowance)
    CountedAttempt.objects.filter(key=key, at__lte=now - allowance.window).delete()
    return CountedAttempt.objects.create(key=key, at=now).pk


def _wait(allowance: Allowance, now: datetime) -> timedelta | None:
    """How long until another attempt is allowed; None if the last one was."""
    counted = CountedAttempt.objects.filter(key=_key(allowance), at__gt=now - allowance.window)
    latest = list(counted.order_by("-at", "-pk").values_list("at", flat=True)[: allowance.most + 1])
    return latest[-1] + allowance.window - now if len(latest) > allowance.most else None


def _key(allowance: Allowance) -> str:
    return hashlib.sha256(allowance.who.encode("utf-8", "surrogateescape")).hexdigest()
