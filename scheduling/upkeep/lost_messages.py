"""Messages that a broker lost: found by comparing how many should wait there with how many do."""

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

# A message that was sent so long ago is either waiting at the broker or taken; a younger one may be on its way.
TRUST: Final = timedelta(seconds=5)


def make_due(*, now: datetime) -> int:
    """Make tasks due to be sent whose messages are gone; returns how many.

    A broker that lost its messages, or another broker in its place, is known by what it holds: fewer than half as many
    as were sent and not claimed (docs/decisions/lost-messages.md). Nobody is asked where nothing of that kind waits.
    """
    return sum(_make_due(name, now) for name in executor_names())


def _make_due(name: str, now: datetime) -> int:
    unclaimed = Task.objects.filter(_sent_before(now - TRUST), executor=name, status=Status.QUEUED)
    # What is due within HAND_OVER is being sent just now, perhaps by another process, or soon will be.
    unclaimed = unclaimed.filter(send_at__gt=now + HAND_OVER)
    expected = unclaimed.count()
    if not expected:
        return 0
    there = executor(name).waiting()
    if there is None or 2 * there >= expected:
        return 0
    log.warning("executor %s holds %d messages where %d tasks were sent: sending them again", name, there, expected)
    return unclaimed.update(send_at=now)


def _sent_before(moment: datetime) -> Q:
    """The tasks that were last sent before `moment`: `send_at` is that instant and the pause that follows it."""
    found = Q()
    for sends in range(1, MOST_DOUBLINGS + 1):
        found |= Q(sends=sends, send_at__lt=moment + send_again_after(sends - 1))
    return found | Q(sends__gt=MOST_DOUBLINGS, send_at__lt=moment + send_again_after(MOST_DOUBLINGS))
