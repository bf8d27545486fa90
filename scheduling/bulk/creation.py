"""Many new schedules: checked as one by one, stored in one transaction, installed with one write of each engine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from scheduling import drafts, drift, hosts, keys, receipts
from scheduling.backend import many_checks
from scheduling.bulk.chosen import below
from scheduling.drafts import ScheduleFields
from scheduling.errors import InvalidRequest, Problem
from scheduling.models import Schedule

# Where the request has them.
_MEMBER: Final = "schedules"


def create_all(asked: Sequence[ScheduleFields], *, now: datetime) -> list[Schedule]:
    """Store a schedule for each of these, all or none, and install them. Each is what `schedules.create` would make.

    Raises InvalidRequest with every problem of each of them (`schedules.3.cron`).
    """
    made = _drafted(dict(enumerate(asked)), now)
    given = {fields["key"] for fields in asked if fields.get("key")}
    store_all(made, given=given)
    return made


def check_all(asked: Mapping[int, ScheduleFields], *, now: datetime) -> None:
    """Raise InvalidRequest with every problem that `create_all` would find. Stores nothing.

    The keys of `asked` are the places in the request.
    """
    _drafted(asked, now)


def store_all(made: Sequence[Schedule], *, given: Collection[str] = ()) -> None:
    """Store schedules that `drafts.draft` has made, all or none, and install them.

    A key that another schedule has is exchanged, unless it is one of `given`: then InvalidRequest is raised.
    """
    try:
        _insert(made, given)
    except IntegrityError:
        # Somebody has taken a key meanwhile.
        _insert(made, given)
    drift.install_all(made)


def _drafted(asked: Mapping[int, ScheduleFields], now: datetime) -> list[Schedule]:
    taken = _taken(fields["key"] for fields in asked.values() if fields.get("key"))
    made: list[Schedule] = []
    problems: list[Problem] = []
    with many_checks(), hosts.asked_once():
        for place, fields in asked.items():
            wrong: Sequence[Problem] = ()
            if key := fields.get("key"):
                wrong = drafts.problems_with_key(key, is_taken=key in taken)
                taken.add(key)
            try:
                made.append(drafts.draft(now=now, key_is_checked=True, **fields))
            except InvalidRequest as exc:
                wrong = [*wrong, *exc.problems]
            problems += below(f"{_MEMBER}.{place}", wrong)
    if problems:
        raise InvalidRequest(problems)
    return made


def _insert(made: Sequence[Schedule], given: Collection[str]) -> None:
    used = _taken(one.key for one in made)
    problems = []
    for place, one in enumerate(made):
        if one.key in used and one.key in given:
            problems += below(f"{_MEMBER}.{place}", [drafts.taken(one.key)])
        elif one.key in used:
            one.key = keys.another(one.name)
        used.add(one.key)
    if problems:
        raise InvalidRequest(problems)
    with transaction.atomic():
        Schedule.objects.bulk_create(made)
        receipts.leave(made)


def _taken(some: Iterable[str]) -> set[str]:
    """Those of the keys that schedules have."""
    return set(Schedule.objects.filter(key__in=list(some)).values_list("key", flat=True))
