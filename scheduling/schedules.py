"""The writes that API and command line call for schedules. A refused request changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Unpack, cast

from django.db import IntegrityError, transaction

from scheduling import actors, audit, delivery, dispatch, drafts, drift, keys, ledger, queries, receipts, tag_sets
from scheduling.drafts import ScheduleFields
from scheduling.errors import Conflict, InvalidRequest, NotFound, StaleVersion
from scheduling.lifecycle import OPEN, Status
from scheduling.models import OnLost, Schedule, Task
from scheduling.owners import visible
from scheduling.phrases import phrase

PAUSED: Final = "the schedule was paused before this occurrence was dispatched"
DELETED: Final = "its schedule was deleted"
# Somebody may create or delete the schedule of a key between a look for it and a write.
_KEY_TRIES: Final = 5

Versions = int | Collection[int] | None
"""Which versions of a schedule a write is meant for: one, some, or any (None)."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """What became of the tasks of a schedule that was deleted: the ids of those cancelled, and of those that run on.

    An attempt that runs goes on to its end, and is the last of its task.
    """

    cancelled: tuple[int, ...]
    running: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StoredChange:
    """A change of a schedule that is stored, and that its backend does not have yet.

    `before` is the backend that it was on. `due` are the tasks that are to be handed over. `is_new` is False where
    nothing was to be changed: it has no new version then, and its backend has nothing to do.
    """

    schedule: Schedule
    before: str
    due: tuple[Task, ...]
    is_new: bool = True


def create(*, now: datetime, **fields: Unpack[ScheduleFields]) -> Schedule:
    """Store a schedule and install it on its backend.

    Raises InvalidRequest with every problem. When the backend cannot be written, the schedule is stored all the same
    and is OUT_OF_SYNC.
    """
    schedule = drafts.draft(now=now, **fields)
    _store_under_free_key(schedule, is_given=bool(fields.get("key")))
    drift.install(schedule)
    return schedule


def put(
    key: str, /, *, now: datetime, version: Versions = None, **fields: Unpack[ScheduleFields]
) -> tuple[Schedule, bool]:
    """Replace the schedule of `owner` that has this key, or create it. Returns it, and whether it was created.

    Raises InvalidRequest and StaleVersion as `replace` does.
    """
    for _ in range(_KEY_TRIES):
        found = queries.schedule_by_key(key, owner=fields.get("owner"))
        try:
            if found is not None:
                return replace(found.pk, now=now, version=version, **fields), False
            return create(now=now, **cast("ScheduleFields", {**fields, "key": key})), True
        except NotFound:
            continue
        except InvalidRequest as exc:
            if all(problem.code != "taken" for problem in exc.problems):
                raise
    raise Conflict(f"The schedule was created and deleted {_KEY_TRIES} times meanwhile: ask again.")


def update(schedule_id: int, *, now: datetime, version: Versions = None, **fields: Unpack[ScheduleFields]) -> Schedule:
    """Change a schedule. What is due is decided first, by the old definition. Tasks that exist do not change.

    Raises NotFound and InvalidRequest; with `version`, StaleVersion when the schedule is at another version.
    """
    change = store_change(schedule_id, now=now, version=version, **fields)
    delivery.hand_over(change.due, now=now)
    if change.is_new:
        _reinstall(change.schedule, change.before)
    return change.schedule


def store_change(
    schedule_id: int, *, now: datetime, version: Versions = None, **fields: Unpack[ScheduleFields]
) -> StoredChange:
    """Do what `update` does in the database, and leave the backend to the caller. Raises the same errors."""
    with transaction.atomic():
        schedule = _locked(schedule_id, version)
        before, asked = schedule.routed_to, drafts.asked_of(schedule)
        fields = drafts.one_trigger(fields)
        changed = {field for field, value in fields.items() if asked[field] != value}
        pauses = PAUSED if "paused" in changed and fields["paused"] else ""
        due = dispatch.decide(schedule, now=now, woken_by="request", skip_because=pauses) if changed else []
        for field in changed:
            setattr(schedule, field, fields[field])  # type: ignore[literal-required]  # the keys of a ScheduleFields
        if changed:
            drafts.settle(schedule, now=now, changed=changed)
        # Another way to write the same is no change: `@daily`, or no host where there is a default one.
        is_new = drafts.asked_of(schedule) != asked
        if is_new:
            schedule.version += 1
            schedule.changed_by = actors.current()
            tag_sets.store([schedule])
            schedule.save()
        elif changed:
            schedule.refresh_from_db()
        receipts.leave(schedule)
        if is_new:
            audit.record(_change(schedule, "changed", asked, drafts.asked_of(schedule)), now=now)
    return StoredChange(schedule, before, tuple(due), is_new)


def replace(schedule_id: int, *, now: datetime, version: Versions = None, **fields: Unpack[ScheduleFields]) -> Schedule:
    """Like `update`, but each field that is not named gets its default value."""
    return update(schedule_id, now=now, version=version, **cast("ScheduleFields", {**drafts.defaults(), **fields}))


def pause(schedule_id: int, *, now: datetime, version: Versions = None) -> Schedule:
    """Stop the occurrences of the schedule. Occurrences during the pause are not caught up later.

    An occurrence that is due and not dispatched yet is SKIPPED, with the pause as its reason.
    """
    return update(schedule_id, now=now, version=version, paused=True)


def resume(schedule_id: int, *, now: datetime, version: Versions = None) -> Schedule:
    """Continue with the first occurrence after `now`."""
    return update(schedule_id, now=now, version=version, paused=False)


def move(schedule_id: int, *, to: str, now: datetime, version: Versions = None) -> Schedule:
    """Move a live schedule to another backend: first install it there, then remove it from the old backend.

    While both have it, the ledger still makes one task for each occurrence.
    """
    return update(schedule_id, now=now, version=version, backend=to)


def delete(schedule_id: int, *, now: datetime, version: Versions = None) -> Deletion:
    """Delete the schedule and cancel its tasks that wait. All its tasks stay in the ledger, with its id.

    Raises NotFound, and StaleVersion as `update` does.
    """
    with transaction.atomic():
        schedule = _locked(schedule_id, version)
        dispatch.decide(schedule, now=now, woken_by="request", skip_because=DELETED)
        deletion = end_tasks([schedule_id], now)
        schedule.delete()
        schedule.pk = schedule_id
        note_deleted([schedule], now=now)
    drift.remove(schedule, from_backend=schedule.routed_to)
    return deletion


def trigger(schedule_id: int, *, now: datetime) -> tuple[Task, str]:
    """Run the schedule's job once, now, in addition to its occurrences.

    Returns the task, and what became of its delivery (`delivery.answer`).
    """
    with transaction.atomic():
        schedule = _locked(schedule_id)
        [task] = ledger.record([dispatch.extra_task(schedule, now=now, woken_by="request")], now)
        receipts.leave(task)
        done = audit.Change(
            "schedule", schedule_id, "triggered", schedule.name, schedule.owner, {"task": [None, task.pk]}
        )
        audit.record(done, now=now)
    return task, delivery.answer(delivery.hand_over([task], now=now), [task])


def end_tasks(schedule_ids: Collection[int], now: datetime) -> Deletion:
    """Cancel the tasks of these schedules that wait, and let each that runs end with its present attempt.

    The caller has opened a transaction and locked the rows of the schedules.
    """
    open_tasks = Task.objects.filter(schedule__in=schedule_ids, status__in=OPEN).order_by("pk")
    ids = list(open_tasks.values_list("pk", flat=True))
    cancelled = set(ledger.cancel_unclaimed(ids, reason=DELETED, now=now))
    running = Task.objects.filter(pk__in=[pk for pk in ids if pk not in cancelled], status=Status.RUNNING)
    running.update(retries={"max": 0}, on_lost=OnLost.FAIL)
    return Deletion(tuple(sorted(cancelled)), tuple(running.order_by("pk").values_list("pk", flat=True)))


def _store_under_free_key(schedule: Schedule, *, is_given: bool) -> None:
    for left in reversed(range(_KEY_TRIES)):
        try:
            return _store(schedule)
        except IntegrityError:
            if is_given and queries.is_key_taken(schedule.key, owner=schedule.owner):
                raise InvalidRequest([drafts.taken(schedule.key)]) from None
            # Whoever had the key has deleted it since, unless it was another constraint.
            if not left:
                raise
        if not is_given:
            schedule.key = keys.another(schedule.name)
    return None


def note_created(made: Iterable[Schedule], *, now: datetime) -> None:
    """Write into the audit log that these schedules were created, in the transaction that does it."""
    audit.record(*(_change(one, "created", {}, drafts.asked_of(one)) for one in made), now=now)


def note_changed(pairs: Iterable[tuple[Schedule, Schedule]], *, now: datetime) -> None:
    """As `note_created`: these schedules were changed, each from what it was to what it is."""
    asked = [(after, drafts.asked_of(before), drafts.asked_of(after)) for before, after in pairs]
    audit.record(*(_change(schedule, "changed", before, after) for schedule, before, after in asked), now=now)


def note_deleted(gone: Iterable[Schedule], *, now: datetime) -> None:
    """As `note_created`: these schedules, which have their ids still, were deleted."""
    audit.record(*(_change(one, "deleted", drafts.asked_of(one), {}) for one in gone), now=now)


def _store(schedule: Schedule) -> None:
    with transaction.atomic():
        schedule.created_by = schedule.changed_by = actors.current()
        tag_sets.store([schedule])
        schedule.save(force_insert=True)
        receipts.leave(schedule)
        note_created([schedule], now=schedule.created_at)


def _change(schedule: Schedule, action: str, before: dict[str, Any], after: dict[str, Any]) -> audit.Change:
    changes = audit.difference(before, after)
    return audit.Change("schedule", schedule.pk, action, schedule.name, schedule.owner, changes)


def _reinstall(schedule: Schedule, before: str) -> None:
    drift.install(schedule)
    if before != schedule.routed_to:
        drift.remove(schedule, from_backend=before)


def _locked(schedule_id: int, version: Versions = None) -> Schedule:
    schedule = visible(Schedule.objects.select_for_update()).filter(pk=schedule_id).first()
    if schedule is None:
        raise NotFound(phrase("There is no schedule {id}.", id=schedule_id))
    if version is not None and schedule.version not in ({version} if isinstance(version, int) else version):
        raise StaleVersion(f"The schedule is now at version {schedule.version}: read it again and repeat your change.")
    return schedule
