"""Which schedules does this host run without the database, and what of them is due?"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from django.conf import settings
from django.core.serializers.base import DeserializationError

from backends.crontab import files
from backends.crontab.spool import record
from backends.crontab.spool.store import Spool
from scheduling import limits_in_force
from scheduling.errors import BackendError, InvalidTrigger
from scheduling.lifecycle import Status
from scheduling.models import DatabaseAway, Schedule
from scheduling.planning import plan

log = logging.getLogger(__name__)


def write(spool: Spool) -> None:
    """Bring the plan of this host up to date with the database. Raises BackendError if it cannot be written.

    Where no schedule of the host runs without the database, there is no plan, and no spool is made for it.
    """
    wanted = Schedule.objects.filter(
        routed_to="crontab",
        host=settings.TANDEM_HOST,
        runs_on="inline",
        database_away=DatabaseAway.RUN,
        next_due_at__isnull=False,
    )
    # Without the database nobody can tell whether a limit has a place.
    free = [one for one in wanted.order_by("pk") if not limits_in_force.of(one, in_process=True)]
    content = record.dump(free).encode("ascii")
    try:
        if content == b"[]":
            spool.plan.unlink(missing_ok=True)
        elif not spool.plan.exists() or spool.plan.read_bytes() != content:
            spool.make()
            files.replace(spool.plan, content, mode=0o600)
    except OSError as exc:
        raise BackendError(f"{spool.plan} cannot be written: {exc.strerror}.") from exc


def read(spool: Spool) -> list[Schedule]:
    """The schedules in the plan. None where there is no plan, or it was written by another release."""
    try:
        found = record.load(spool.plan.read_text(encoding="ascii"))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, DeserializationError):
        log.exception("the plan for runs without the database cannot be read")
        return []
    return [schedule for schedule in found if schedule.host == settings.TANDEM_HOST]


def due(schedule: Schedule, *, begun: datetime | None, now: datetime) -> datetime | None:
    """The newest occurrence after the schedule's cursor and `begun`, if it is within the grace. Pure.

    What is older is left to the catch-up policy, which the ledger applies later.
    """
    try:
        trigger = schedule.trigger_as_planned
    except InvalidTrigger:
        # This machine no longer knows the zone. The ledger tells that.
        return None
    policy = replace(schedule.policy, overlap="allow", catch_up="none")
    decisions = plan(trigger, max(schedule.cursor, begun or schedule.cursor), now, policy).decisions
    return decisions[-1].due_at if decisions and decisions[-1].status is Status.QUEUED else None
