"""Which queues there are, what waits in them, and which workers take it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Min

from scheduling.executor import executor
from scheduling.findings import Finding
from scheduling.lifecycle import WAITING, Status
from scheduling.models import Task
from scheduling.processes import SILENT_AFTER, known

_START: Final = "Start a worker that takes it: `python -m celery -A settings.celery worker -Q {queue}`."


@dataclass(frozen=True, slots=True)
class Workers:
    """How many workers of an executor are alive, and how many of them take each queue."""

    alive: int
    taking: Counter[str]

    def none_takes(self, what: str) -> str:
        """That none takes it, in words. Where no worker is known, one may just start, or be of an older version."""
        return f"no worker takes {what}" if self.alive else f"no worker is known to take {what}"


def workers(name: str) -> Workers:
    """The workers of the executor called `name` that were heard of within SILENT_AFTER. One query."""
    alive = known().filter(kind=name, silence__lte=SILENT_AFTER).values_list("queues", flat=True)
    served = [set(queues) for queues in alive]
    return Workers(len(served), Counter(queue for queues in served for queue in queues))


def not_taken(tasks: Iterable[Task]) -> list[str]:
    """A text for each queue of the tasks that no worker takes, such as `no worker takes queue reports`."""
    queues = {(task.executor, executor(task.executor).queue_of(task.queue)) for task in tasks}
    found = []
    for name in sorted({name for name, queue in queues if queue}):
        there = workers(name)
        asked = sorted(queue for of, queue in queues if of == name and queue not in there.taking)
        found += [there.none_takes(f"queue {queue}") for queue in asked]
    return found


@dataclass(frozen=True, slots=True)
class QueueState:
    """What waits in a queue, and who takes it. `messages` is None where the broker does not say how many there are.

    `oldest` is when the oldest of its queued tasks was made; None where none is queued. `workers` take the queue.
    """

    name: str
    messages: int | None
    queued: int
    oldest: datetime | None
    workers: int

    @property
    def is_stuck(self) -> bool:
        """Whether tasks are queued that no worker takes."""
        return bool(self.queued) and not self.workers


def states(name: str) -> list[QueueState]:
    """The queues of the executor called `name`, the default one first; empty where it has none.

    They are those that tasks name which are queued or wait, and those that workers take. Takes up to two seconds.
    """
    return _states(name, workers(name))


def findings(name: str) -> list[Finding]:
    """`states` in words. A queue that holds queued tasks and that no worker takes is a problem."""
    there = workers(name)
    return [_finding(state, there) for state in _states(name, there)]


def _states(name: str, there: Workers) -> list[QueueState]:
    default = executor(name).queue_of("")
    if not default:
        return []
    queued, oldest = _queued(name)
    queues = [default, *sorted((queued.keys() | there.taking.keys()) - {default})]
    messages = executor(name).waiting(queues)
    return [
        QueueState(queue, messages.get(queue), queued[queue], oldest.get(queue), there.taking[queue])
        for queue in queues
    ]


def _queued(name: str) -> tuple[Counter[str], dict[str, datetime]]:
    """How many tasks are queued for each queue, and when the oldest of them was made.

    A queue that only tasks name which still wait has 0.
    """
    found: Counter[str] = Counter()
    oldest: dict[str, datetime] = {}
    there = Task.objects.filter(executor=name, status__in=[*WAITING, Status.QUEUED]).order_by()
    for queue, status, count, first in there.values_list("queue", "status").annotate(Count("pk"), Min("created_at")):
        of = executor(name).queue_of(queue)
        found[of] += count if status == Status.QUEUED else 0
        if status == Status.QUEUED:
            oldest[of] = min(first, oldest.get(of, first))
    return found, oldest


def _finding(state: QueueState, there: Workers) -> Finding:
    messages, is_known = state.messages, state.messages is not None
    waiting = f"{messages} messages wait" if is_known else "the broker does not say how many messages wait"
    taken = f"{state.workers} workers take it" if state.workers else there.none_takes("it")
    detail = f"{state.name}: {waiting}, {state.queued} tasks are queued, {taken}"
    advice = _START.format(queue=state.name) if state.is_stuck else ""
    return Finding("queue", ok=not state.is_stuck, detail=detail, advice=advice)
