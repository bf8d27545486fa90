"""Many schedules that are changed or deleted alike: one transaction, then one write of each engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Unpack

from django.db import transaction

from scheduling import actors, delivery, dispatch, drafts, drift, hosts, queries, receipts, schedules, tag_sets
from scheduling.backend import many_checks
from scheduling.bulk import rows
from scheduling.bulk.chosen import Chosen
from scheduling.drafts import ScheduleFields
from scheduling.errors import InvalidRequest, NotFound, Problem, TandemError
from scheduling.models import Schedule, Task
from scheduling.schedules import Deletion


@dataclass(frozen=True, slots=True)
class Changed:
    """A schedule after the change, with the backend it was on `before`. `is_new`: it differs from what it was."""

    schedule: Schedule
    before: str
    is_new: bool


def change_all(
    chosen: Chosen, *, now: datetime, partial: bool = False, **fields: Unpack[ScheduleFields]
) -> dict[int, Changed | TandemError]:
    """Change each schedule as `schedules.update` does, in one transaction. What became of each, by id.

    Raises InvalidRequest with the problems of all that cannot be changed, and changes nothing then. With `partial` the
    others are changed, and these have their InvalidRequest or NotFound in the answer. A key is of one schedule only.
    """
    if "key" in fields:
        detail = "A key is of one schedule: change it there."
        raise InvalidRequest([Problem("changes.key", "not_for_many", detail)])
    with transaction.atomic(), many_checks(), hosts.asked_once():
        held = _locked(chosen.ids)
        found: dict[int, Changed | TandemError] = {pk: _drafted(pk, held, now, fields) for pk in chosen.ids}
        refused = {pk: one for pk, one in found.items() if isinstance(one, TandemError)}
        if refused and not partial:
            raise chosen.refusal(refused, "changes")
        tasks = _decide([held[pk] for pk in found if pk not in refused], found, now, fields)
        changed = [one for one in found.values() if isinstance(one, Changed) and one.is_new]
        _store([one.schedule for one in changed])
        receipts.leave(found)
        schedules.note_changed([(held[one.schedule.pk], one.schedule) for one in changed], now=now)
    delivery.hand_over(tasks, now=now)
    _write_engines(changed)
    return found


def delete_all(chosen: Chosen, *, now: datetime) -> Deletion:
    """Delete each schedule as `schedules.delete` does, in one transaction.

    Raises InvalidRequest, and deletes nothing, if one is not there.
    """
    with transaction.atomic():
        held = _locked(chosen.ids)
        missing = {pk: _not_there(pk) for pk in chosen.ids if pk not in held}
        if missing:
            raise chosen.refusal(missing)
        dispatch.decide_all(held.values(), now=now, woken_by="request", skip_because=schedules.DELETED)
        deletion = schedules.end_tasks(held, now)
        Schedule.objects.filter(pk__in=held).delete()
        receipts.leave(deletion)
        schedules.note_deleted(held.values(), now=now)
    for name in {one.routed_to for one in held.values()}:
        drift.remove_all([one for one in held.values() if one.routed_to == name], from_backend=name)
    return deletion


def _store(changed: Sequence[Schedule]) -> None:
    actor = actors.current()
    for one in changed:
        one.changed_by = actor
    tag_sets.store(changed)
    rows.store(changed)


def _locked(ids: Iterable[int]) -> dict[int, Schedule]:
    """Those of the schedules that there are, by id: every transaction locks them in this order."""
    found = queries.schedules().select_for_update(of=("self",)).filter(pk__in=list(ids)).order_by("pk")
    return {one.pk: one for one in found}


def _not_there(pk: int) -> NotFound:
    return NotFound(f"There is no schedule {pk}.")


def _drafted(pk: int, held: Mapping[int, Schedule], now: datetime, fields: ScheduleFields) -> Changed | TandemError:
    """The schedule as it would be."""
    if pk not in held:
        return _not_there(pk)
    try:
        draft = drafts.draft_of_change(held[pk], now=now, **fields)
    except InvalidRequest as exc:
        return exc
    # Another way to write the same is no change: `@daily`, or no host where there is a default one.
    is_new = drafts.asked_of(draft) != drafts.asked_of(held[pk])
    if not is_new:
        return Changed(held[pk], held[pk].routed_to, is_new)
    draft.version += 1
    return Changed(draft, held[pk].routed_to, is_new)


def _decide(
    sound: Sequence[Schedule],
    found: dict[int, Changed | TandemError],
    now: datetime,
    fields: ScheduleFields,
) -> list[Task]:
    """Decide what is due by the old definitions, of those that change. They are drafted anew after that."""
    due = [one for one in sound if one.next_due_at is not None and one.next_due_at <= now]
    due = [one for one in due if isinstance(change := found[one.pk], Changed) and change.is_new]
    tasks = dispatch.decide_all(
        due, now=now, woken_by="request", skip_because=schedules.PAUSED if fields.get("paused") else ""
    )
    for one in due:
        found[one.pk] = _drafted(one.pk, {one.pk: one}, now, fields)
    return tasks


def _write_engines(changed: Sequence[Changed]) -> None:
    drift.install_all(one.schedule for one in changed)
    for before in {one.before for one in changed}:
        left = [one.schedule for one in changed if before == one.before != one.schedule.routed_to]
        drift.remove_all(left, from_backend=before)
