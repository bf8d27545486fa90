"""What does a machine report about its crontab to the others?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.conf import settings

from backends.crontab import system_zone
from backends.crontab.targets import Target
from scheduling.models import Host
from scheduling.storable import storable_text

# Lines that are kept of what differed: enough to see what happened.
MOST_DRIFT: Final = 100


def report(target: Target, *, now: datetime, drift: Sequence[str] = (), error: str = "") -> None:
    """Write this machine's row: its heartbeat, its crontab and zone, and the drift or error that was found there.

    Of `drift` the first MOST_DRIFT lines are stored.
    """
    zone = target.zone()
    Host.objects.update_or_create(
        name=settings.TANDEM_HOST,
        defaults={
            "crontab": target.describe()[:500],
            "zone": zone,
            "tzdata": system_zone.release(),
            "zone_differs": system_zone.difference(zone, now=now),
            "heartbeat_at": now,
            "drift": [storable_text(line) for line in drift[:MOST_DRIFT]],
            "error": storable_text(error),
        },
    )


def zone_of(name: str) -> str | None:
    """The zone that the machine reported; None if no machine of that name has reported."""
    return Host.objects.filter(name=name).values_list("zone", flat=True).first()
