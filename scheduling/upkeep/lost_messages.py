"""Finds messages that a broker has lost: it compares how many should wait at the broker with how many do."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from scheduling.executor import executor, executor_names
from scheduling.ledger import HAND_OVER, MOST_DOUBLINGS, send_again_after
from scheduling.lifecycle import Status
from scheduling.models import Task

log = logging.getLogger(__name__)

# A message that was sent this long ago waits at the broker, or a worker has taken it. A younger one may be on its way.
TRUST: Final = timedelta(seconds=5)


def make_due(*, now: datetime) -> int:
    """Make the tasks whose messages are lost due to be sent. Returns their number.

    The messages count as lost when the broker holds fewer than half as many as tasks were sent and not claimed: it has
    lost them, or another broker is in its place (docs/decisions/lost-messages.md). Without such tasks, the broker is
    not asked.
    """
    return sum(_make_due(name, now) for name in executor_names())


def _make_due(name: str, now: datetime) -> int:
    unclaimed = Task.objects.filter(_sent_before(now - TRUST), executor=name, status=Status.QUEUED)
    # A task that is due within HAND_OVER is left out: it is being sent now, perhaps by another process, or soon.
    unclaimed = unclaimed.filter(send_at__gt=now + HAND_OVER)
    expected = unclaimed.count()
    if not expected:
        return 0
    held = executor(name).waiting()
    if held is None or 2 * held >= expected:
        return 0
    log.warning("executor %s holds %d messages, but %d tasks were sent: sending them again", name, held, expected)
    return unclaimed.update(send_at=now)


def _sent_before(moment: datetime) -> Q:
    """The filter for tasks that were last sent before `moment`: `send_at` is the time of sending plus the pause."""
    found = Q()
    for sends in range(1, MOST_DOUBLINGS + 1):
        found |= Q(sends=sends, send_at__lt=moment + send_again_after(sends - 1))
    return found | Q(sends__gt=MOST_DOUBLINGS, send_at__lt=moment + send_again_after(MOST_DOUBLINGS))
