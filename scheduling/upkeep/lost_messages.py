"""Finds messages that a broker has lost: it compares how many should wait in each queue with how many do."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Q

from scheduling.executor import executor, executor_names
from scheduling.ledger import MOST_DOUBLINGS, UNCLAIMED_AFTER, send_again_after
from scheduling.lifecycle import Status
from scheduling.models import Task

log = logging.getLogger(__name__)

# A message that was sent this long ago waits at the broker, or a worker has taken it. A younger one may be on its way.
IN_TRANSIT: Final = timedelta(seconds=5)


def make_due(*, now: datetime) -> int:
    """Make the tasks whose messages are lost due to be sent. Returns their number.

    The messages of a queue count as lost when it holds fewer than half as many as tasks were sent to it and not
    claimed: the broker has lost them, or another broker is in its place (docs/decisions/lost-messages.md). A queue
    without such tasks is not asked for.
    """
    return sum(_make_due(name, now) for name in executor_names())


def _make_due(name: str, now: datetime) -> int:
    unclaimed = Task.objects.filter(_sent_before(now - IN_TRANSIT), executor=name, status=Status.QUEUED)
    # A task that is due within UNCLAIMED_AFTER is left out: it is being sent now, perhaps by another process, or soon.
    unclaimed = unclaimed.filter(send_at__gt=now + UNCLAIMED_AFTER)
    # Several values of `queue` may mean the same queue: '' and the name of the default one.
    of_queue: dict[str, list[str]] = {}
    expected: Counter[str] = Counter()
    for given, count in unclaimed.order_by().values_list("queue").annotate(Count("pk")):
        queue = executor(name).queue_of(given)
        of_queue.setdefault(queue, []).append(given)
        expected[queue] += count
    held = executor(name).waiting(expected) if expected else {}
    made_due = 0
    for queue in held.keys() & expected.keys():
        if 2 * held[queue] < expected[queue]:
            text = "executor %s, queue %r: it holds %d messages, but %d tasks were sent: sending them again"
            log.warning(text, name, queue, held[queue], expected[queue])
            made_due += unclaimed.filter(queue__in=of_queue[queue]).update(send_at=now)
    return made_due


def _sent_before(moment: datetime) -> Q:
    """The filter for tasks that were last sent before `moment`: `send_at` is the time of sending plus the pause."""
    found = Q()
    for sends in range(1, MOST_DOUBLINGS + 1):
        found |= Q(sends=sends, send_at__lt=moment + send_again_after(sends - 1))
    return found | Q(sends__gt=MOST_DOUBLINGS, send_at__lt=moment + send_again_after(MOST_DOUBLINGS))
