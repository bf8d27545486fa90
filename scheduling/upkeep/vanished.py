"""Messages that a broker lost: found by comparing how many should wait there with how many do."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from scheduling.executor import executor, executor_names
from scheduling.ledger import MOST_DOUBLINGS, send_again_after
from scheduling.lifecycle import Status
from scheduling.models import Task

log = logging.getLogger(__name__)

# A message that was sent so long ago is either waiting at the broker or taken; a younger one may be on its way.
TRUST: Final = timedelta(seconds=5)


def make_due(*, now: datetime, again_after: timedelta, hand_over: timedelta) -> int:
    """Make tasks due to be sent whose messages are gone; returns how many.

    A broker that lost its messages, or another broker in its place, is known by what it holds: fewer than half as many
    as were sent and not claimed (docs/decisions/lost-messages.md). Nobody is asked where nothing of that kind waits.
    """
    return sum(_make_due(name, now, again_after, hand_over) for name in executor_names())


def _make_due(name: str, now: datetime, again_after: timedelta, hand_over: timedelta) -> int:
    unclaimed = Task.objects.filter(_sent_before(now - TRUST, again_after), executor=name, status=Status.QUEUED)
    # What is due within `hand_over` is being sent just now, perhaps by another process, or soon will be.
    unclaimed = unclaimed.filter(send_at__gt=now + hand_over)
    expected = unclaimed.count()
    if not expected:
        return 0
    there = executor(name).waiting()
    if there is None or 2 * there >= expected:
        return 0
    log.warning("executor %s holds %d messages where %d tasks were sent: sending them again", name, there, expected)
    return unclaimed.update(send_at=now)


def _sent_before(moment: datetime, again_after: timedelta) -> Q:
    """The tasks that were last sent before `moment`: `send_at` is that instant and the pause that follows it."""
    found = Q()
    for sends in range(1, MOST_DOUBLINGS + 1):
        found |= Q(sends=sends, send_at__lt=moment + send_again_after(sends - 1, again_after))
    return found | Q(sends__gt=MOST_DOUBLINGS, send_at__lt=moment + send_again_after(MOST_DOUBLINGS, again_after))
