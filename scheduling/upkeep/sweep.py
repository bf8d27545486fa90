"""One round of repairs after crashes, in steps. A step that fails does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final

from django.db import InterfaceError, OperationalError, connection

from scheduling import delivery, ledger, statistics
from scheduling.caller import Caller, acting
from scheduling.lifecycle import WAITING, Status
from scheduling.models import Task
from scheduling.upkeep import lost_attempts, lost_messages, overdue, replanning, takeover
from scheduling.workflows import advance

log = logging.getLogger(__name__)

# One round's worth of each step; the next round takes the rest.
BATCH: Final = 500
_UPKEEP: Final = Caller("upkeep")


def sweep(*, now: datetime) -> None:
    """Do every step once. A step that fails is logged with its traceback, and the next step follows.

    Raises OperationalError or InterfaceError when the database does not answer.
    """
    with acting(_UPKEEP):
        for step in STEPS:
            try:
                step(now=now)
            except Exception as exc:
                if _database_does_not_answer(exc):
                    raise
                log.exception("upkeep: %s failed", step.__name__)


def cancel_expired(*, now: datetime) -> None:
    """Cancel the tasks that did not start before they expired."""
    late = Task.objects.filter(status__in=[*WAITING, Status.QUEUED], expires__lte=now)
    for pk in late.values_list("pk", flat=True)[:BATCH]:
        ledger.cancel(pk, reason=ledger.EXPIRED, now=now, running=False)


def queue_due(*, now: datetime) -> None:
    """Queue every task whose waiting time is over."""
    while delivery.queue_due(now=now) == delivery.BATCH:
        pass


def stop_cancelled_workflows(*, now: datetime) -> None:
    """Stop the running members of cancelled workflows."""
    for workflow_id in advance.being_cancelled():
        advance.stop_members(workflow_id, now=now)


def advance_interrupted_workflows(*, now: datetime) -> None:
    """Move workflows on that stopped because of a crash after a member had ended."""
    for workflow_id in advance.interrupted():
        delivery.hand_over(advance.advance(workflow_id, now=now), now=now)


def release_waiting(*, now: datetime) -> None:
    """Queue the tasks that wait for an earlier task of their schedule (overlap `queue`) when that task has ended."""
    waiting = Task.objects.filter(status=Status.SCHEDULED, wait_until=None, schedule__isnull=False)
    for schedule_id in waiting.order_by().values_list("schedule_id", flat=True).distinct()[:BATCH]:
        delivery.hand_over(delivery.release(schedule_id, now=now), now=now)


def give_places(*, now: datetime) -> None:
    """Hand over the tasks that a limit has a place for: a process may have died before it could."""
    delivery.hand_over(ledger.give_places(ledger.waited_for(), now=now), now=now)


def send_unclaimed(*, now: datetime) -> None:
    """Send the tasks again that should have been claimed by now. Stop when the broker refuses one."""
    while unclaimed := delivery.take_unclaimed(now=now):
        if delivery.submit(unclaimed, now=now) or len(unclaimed) < delivery.BATCH:
            break


STEPS: Final[tuple[Callable[..., object], ...]] = (
    lost_attempts.lose_silent,
    replanning.plan_anew,
    overdue.decide_overdue,
    takeover.take_over,
    cancel_expired,
    queue_due,
    stop_cancelled_workflows,
    advance_interrupted_workflows,
    release_waiting,
    give_places,
    lost_messages.make_due,
    send_unclaimed,
    statistics.count,
)


def _database_does_not_answer(exc: Exception) -> bool:
    """Whether every further step would fail too. An OperationalError may also concern one query only (a deadlock)."""
    if not isinstance(exc, OperationalError | InterfaceError):
        return False
    # An OperationalError of SQLite (locked, full, cannot be opened) concerns the whole database.
    return connection.vendor == "sqlite" or connection.connection is None or not connection.is_usable()
