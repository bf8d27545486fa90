"""Which hosts have given no sign of life for a while, as this process has seen it itself."""

from __future__ import annotations

import time
from collections import defaultdict
from datetime import timedelta
from typing import Final

from scheduling import processes
from scheduling.hosts import LOST_AFTER, RUNNING_TASKS
from scheduling.models import Host, Process
from scheduling.upkeep.observer import Observer

# The time between two looks counts up to this much. Where no beat runs, an agent looks every 15 s.
LONGEST_GAP: Final = timedelta(seconds=20)
_observer: Observer[str] = Observer(silent_after=LOST_AFTER, longest_gap=LONGEST_GAP)


def look() -> set[str]:
    """The hosts that gave no sign of life for LOST_AFTER of our own time: no report, and no pulse of an agent or a job.

    A process that looks for the first time knows of none. It has to look at least every LONGEST_GAP.
    """
    pulses: dict[str, set[tuple[str, int]]] = defaultdict(set)
    own = None
    for key, kind, host, pulse in Process.objects.values_list("key", "kind", "host", "pulse"):
        if kind in RUNNING_TASKS:
            pulses[host].add((key, pulse))
        if key == processes.identity():
            own = pulse
    reports = Host.objects.values_list("name", "heartbeat_at")
    signs = {name: (heartbeat_at, frozenset(pulses[name])) for name, heartbeat_at in reports}
    return set(_observer.look(signs, own=own, moment=time.monotonic()))
