"""Many new schedules: checked as one by one, stored in one transaction, installed with one write of each engine."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from scheduling import actors, drafts, drift, hosts, keys, owners, receipts, schedules, tag_sets
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
                mine = (fields["owner"] if "owner" in fields else owners.usual(), key)
                wrong = drafts.problems_with_key(key, is_taken=mine in taken)
                taken.add(mine)
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
        if (one.owner, one.key) in used and one.key in given:
            problems += below(f"{_MEMBER}.{place}", [drafts.taken(one.key)])
        elif (one.owner, one.key) in used:
            one.key = keys.another(one.name)
        used.add((one.owner, one.key))
    if problems:
        raise InvalidRequest(problems)
    with transaction.atomic():
        actor = actors.current()
        for one in made:
            one.created_by = one.changed_by = actor
        tag_sets.store(made)
        Schedule.objects.bulk_create(made)
        receipts.leave(made)
        if made:
            schedules.note_created(made, now=made[0].created_at)


def _taken(some: Iterable[str]) -> set[tuple[int | None, str]]:
    """Those of the keys that schedules have, each with the owner of its schedule."""
    return set(Schedule.objects.filter(key__in=list(some)).values_list("owner", "key"))
