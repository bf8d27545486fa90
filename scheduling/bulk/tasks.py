"""Many one-off tasks that are asked for, cancelled or retried at once: each time one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from django.db import transaction

from scheduling import delivery, hosts, ledger, owners, receipts, tag_sets, tasks
from scheduling.backend import many_checks
from scheduling.bulk.chosen import Chosen, below
from scheduling.errors import InvalidRequest, NotFound, Problem, TandemError
from scheduling.lifecycle import FINISHED, Status
from scheduling.models import Task
from scheduling.tasks import AlreadyFinished, TaskFields

# Where the request has them.
_MEMBER: Final = "tasks"

OutcomeCode = Literal["cancelled", "asked_to_stop", "queued", "refused"]


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """What became of one task. `detail` says why it was refused."""

    task: int
    outcome: OutcomeCode
    detail: str = ""


def create(asked: Sequence[TaskFields], *, now: datetime) -> tuple[list[Task], str]:
    """Store a task for each of these, all or none, and hand over those whose time has come.

    Returns the tasks, and what became of their delivery (`delivery.answer`). Raises InvalidRequest with every problem
    of each of them (`tasks.3.job`).
    """
    made = _drafted(dict(enumerate(asked)), now)
    with transaction.atomic():
        tag_sets.store(made)
        ledger.record(made, now)
        receipts.leave(made)
        tasks.note_created(made, now=now)
    queued = [task for task in made if task.status == Status.QUEUED]
    return made, delivery.answer(delivery.hand_over(queued, now=now), made)


def check(asked: Mapping[int, TaskFields], *, now: datetime) -> None:
    """Raise InvalidRequest with every problem that `create` would find. The keys are the places in the request."""
    _drafted(asked, now)


def cancel(chosen: Chosen, *, now: datetime, partial: bool = False) -> list[TaskOutcome]:
    """Cancel each of the tasks as `tasks.cancel` does.

    Raises InvalidRequest with the reasons where one has finished or is not there, and cancels nothing then. With
    `partial` the others are cancelled: tasks end while somebody asks for it.
    """
    with transaction.atomic():
        held = _locked(chosen)
        refused = {pk: why for pk in chosen.ids if (why := _why_not_cancelled(pk, held)) is not None}
        _refuse(chosen, refused, partial=partial)
        sound = [pk for pk in chosen.ids if pk not in refused]
        cancelled = set(ledger.cancel_unclaimed(sound, reason=tasks.CANCELLED, now=now))
        ledger.ask_all_to_stop([pk for pk in sound if pk not in cancelled], reason=tasks.CANCELLED, now=now)
        outcomes: dict[int, OutcomeCode] = {pk: "cancelled" if pk in cancelled else "asked_to_stop" for pk in sound}
        found = _outcomes(chosen, outcomes, refused)
        receipts.leave(found)
        after = {pk: Status.CANCELLED if pk in cancelled else Status.RUNNING for pk in sound}
        tasks.note("cancelled", [(held[pk], held[pk].status, after[pk]) for pk in sound], now=now)
    return found


def retry(chosen: Chosen, *, now: datetime, partial: bool = False) -> tuple[list[TaskOutcome], str]:
    """Queue another attempt at each of the tasks, as `tasks.retry` does; also returns what became of their delivery.

    Raises InvalidRequest with the reasons where one may not be retried, and changes nothing then. With `partial` the
    others are retried.
    """
    with transaction.atomic():
        held = _locked(chosen)
        refused = {pk: why for pk in chosen.ids if (why := _why_not_retried(pk, held)) is not None}
        _refuse(chosen, refused, partial=partial)
        before = {pk: one.status for pk, one in held.items() if pk not in refused}
        queued = ledger.retry_all([one for pk, one in held.items() if pk not in refused], now=now)
        found = _outcomes(chosen, {task.pk: "queued" for task in queued}, refused)
        receipts.leave(found)
        tasks.note("retried", [(one, before[one.pk], one.status) for one in queued], now=now)
    return found, delivery.answer(delivery.hand_over(queued, now=now), queued)


def _drafted(asked: Mapping[int, TaskFields], now: datetime) -> list[Task]:
    made: list[Task] = []
    problems: list[Problem] = []
    with many_checks(), hosts.asked_once():
        for place, fields in asked.items():
            try:
                made.append(tasks.draft(fields, now=now))
            except InvalidRequest as exc:
                problems += below(f"{_MEMBER}.{place}", exc.problems)
    if problems:
        raise InvalidRequest(problems)
    return made


def _locked(chosen: Chosen) -> dict[int, Task]:
    """Those of the tasks that who asks may see, by id: every transaction locks them in this order."""
    rows = owners.visible(Task.objects.select_for_update())
    return {one.pk: one for one in rows.filter(pk__in=chosen.ids).order_by("pk")}


def _refuse(chosen: Chosen, refused: Mapping[int, TandemError], *, partial: bool) -> None:
    if refused and not partial:
        raise chosen.refusal(refused)


def _why_not_cancelled(pk: int, held: Mapping[int, Task]) -> TandemError | None:
    if pk not in held:
        return NotFound("There is no such task.")
    if held[pk].status not in FINISHED:
        return None
    return AlreadyFinished(f"The task has finished already: it is {held[pk].status}.")


def _why_not_retried(pk: int, held: Mapping[int, Task]) -> TandemError | None:
    if pk not in held:
        return NotFound("There is no such task.")
    return tasks.why_not_retried(held[pk])


def _outcomes(chosen: Chosen, done: Mapping[int, OutcomeCode], refused: Mapping[int, TandemError]) -> list[TaskOutcome]:
    return [
        TaskOutcome(pk, "refused", refused[pk].detail) if pk in refused else TaskOutcome(pk, done[pk])
        for pk in chosen.ids
    ]
