"""Schedules of hosts whose wake-up never came: cron did not run over the minute, or the whole host is gone.

The next wake-up may be a year away. So the process that does the upkeep decides what is due, by the policies of each
schedule, as the wake-up would have.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from scheduling import delivery, dispatch, host_states
from scheduling.upkeep import silent_hosts

log = logging.getLogger(__name__)


def decide_overdue(*, now: datetime) -> None:
    """Decide what is due for longer than OVERDUE_AFTER on this host, and on hosts that are lost.

    One statement finds it, through the index of dispatch.
    """
    hosts = {settings.TANDEM_HOST, *silent_hosts.look()}
    theirs = host_states.overdue(now=now).filter(host__in=hosts)
    # A transaction of SQLite takes the lock of the one writer, and hardly ever anything is overdue.
    while theirs.exists():
        which = Q(pk__in=theirs.values("pk")) & dispatch.may_plan("agent", "beat")
        with transaction.atomic():
            due, tasks = dispatch.decide_batch(which, now=now, woken_by=dispatch.UPKEEP)
        for schedule in due:
            log.warning("schedule %d on %s: no wake-up came, so upkeep decided", schedule.pk, schedule.host)
        delivery.hand_over(tasks, now=now)
        if not dispatch.more_is_due(due, now):
            break
