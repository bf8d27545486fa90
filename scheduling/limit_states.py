"""What is set as a limit, how many run under it, and how many wait for it?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Min, Q

from scheduling import limits_in_force, owners
from scheduling.ledger import places
from scheduling.lifecycle import Status
from scheduling.models import Task, TaskLimit
from scheduling.task_limits import EACH_KEY, KEY, Limit


@dataclass(frozen=True, slots=True)
class LimitState:
    """A limit and its tasks. `look_at` is when its rate lets the next task start; None where it waits for an end."""

    target: str
    limit: Limit
    running: int
    waiting: int
    look_at: datetime | None


def of(target: str) -> LimitState:
    """The limit as it was last applied, with the tasks of everybody."""
    row = TaskLimit.objects.get(pk=target)
    waiting = places.waiting(target)
    look_at = waiting.aggregate(at=Min("wait_until"))["at"]
    return LimitState(target, row.limit, places.running(target).count(), waiting.count(), look_at)


def before(task: Task, target: str) -> int:
    """How many tasks wait for the limit that have their turn before this one."""
    earlier = Q(priority__gt=task.priority) | Q(priority=task.priority, pk__lt=task.pk)
    return places.waiting(target).filter(earlier).count()


def visible() -> list[LimitState]:
    """All limits in order of their targets, with the tasks that who asks may see.

    Those of single keys are told where one of these tasks runs or waits with the key; who is bound to no owner is told
    of all that are set.
    """
    limits = limits_in_force.in_force()
    all_set = {target for target in limits if owners.unbound() or target == EACH_KEY or not target.startswith(KEY)}
    found = {target: limits[target] for target in all_set}
    for key in _keys_in_use():
        if limit := limits.get(key) or limits.get(EACH_KEY):
            found[key] = limit
    return [_state(target, found[target]) for target in sorted(found)]


def _keys_in_use() -> set[str]:
    running = owners.visible(Task.objects).filter(status=Status.RUNNING).exclude(limit_key="").order_by()
    waiting = owners.visible(places.all_waiting()).filter(waits_for_limit__startswith=KEY).order_by()
    return {
        *(f"{KEY}{key}" for key in running.values_list("limit_key", flat=True).distinct()),
        *(str(target) for target in waiting.values_list("waits_for_limit", flat=True).distinct()),
    }


def _state(target: str, limit: Limit) -> LimitState:
    running, waiting = owners.visible(places.running(target)), owners.visible(places.waiting(target))
    look_at = waiting.aggregate(at=Min("wait_until"))["at"]
    return LimitState(target, limit, running.count(), waiting.count(), look_at)
