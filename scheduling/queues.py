"""Which queues there are, what waits in them, and which workers take it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from django.db.models import Count

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


def findings(name: str) -> list[Finding]:
    """What waits in each queue of the executor called `name`, the default queue first, and how many workers take it.

    The queues are those that tasks name which are queued or wait, and those that workers take. One that holds queued
    tasks and that no worker takes is a problem. Takes up to two seconds; empty where the executor has no queues.
    """
    default, there, queued = executor(name).queue_of(""), workers(name), _queued(name)
    if not default:
        return []
    queues = [default, *sorted((queued.keys() | there.taking.keys()) - {default})]
    messages = executor(name).waiting(queues)
    return [_finding(queue, messages.get(queue), queued[queue], there) for queue in queues]


def _queued(name: str) -> Counter[str]:
    """How many tasks are queued for each queue. A queue that only tasks name which still wait has 0."""
    found: Counter[str] = Counter()
    there = Task.objects.filter(executor=name, status__in=[*WAITING, Status.QUEUED])
    for queue, status, count in there.order_by().values_list("queue", "status").annotate(Count("pk")):
        found[executor(name).queue_of(queue)] += count if status == Status.QUEUED else 0
    return found


def _finding(queue: str, messages: int | None, queued: int, there: Workers) -> Finding:
    waiting = "the broker does not say how many messages wait" if messages is None else f"{messages} messages wait"
    taking = there.taking[queue]
    taken = f"{taking} workers take it" if taking else there.none_takes("it")
    detail = f"{queue}: {waiting}, {queued} tasks are queued, {taken}"
    stuck = bool(queued) and not taking
    return Finding("queue", ok=not stuck, detail=detail, advice=_START.format(queue=queue) if stuck else "")
