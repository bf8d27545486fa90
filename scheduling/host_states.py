"""Which hosts live and wake their schedules, and what is overdue there. For people: nothing is decided by it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, DurationField, ExpressionWrapper, F, Max, Min, Q, QuerySet
from django.db.models.functions import Now

from scheduling import processes
from scheduling.backend import all_backends
from scheduling.findings import Finding
from scheduling.hosts import LOST_AFTER, OVERDUE_AFTER, RUNNING_TASKS
from scheduling.models import DriftRecord, Host, Process, Schedule
from scheduling.owners import visible

# For so long a host is told that its cron had to be stood in for: a yearly schedule proves nothing for a year.
TOLD_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HostState:
    """A host, and what is known of it. `silence` is the time since its last sign of life, by the database's clock."""

    host: Host
    silence: timedelta
    agent: Process | None
    schedules: int
    overdue: int
    overdue_since: datetime | None
    woken_at: datetime | None
    stood_in_at: datetime | None
    open_drift: int

    @property
    def silent(self) -> bool:
        """Whether it counts as lost, as far as its rows tell. Who does the upkeep sees for itself."""
        return self.silence > LOST_AFTER

    def sleeps(self, now: datetime) -> bool:
        """Whether its agent lives and its cron does not wake it: of late upkeep had to decide, and no wake-up since."""
        if self.silent or self.stood_in_at is None or now - self.stood_in_at > TOLD_FOR:
            return False
        return self.woken_at is None or self.woken_at < self.stood_in_at


def states(hosts: Iterable[Host], *, now: datetime) -> list[HostState]:
    """The state of each host, in their order. Four statements, however many there are."""
    shown = list(hosts)
    names = [host.name for host in shown]
    silences = _silences(names)
    agents = {row.host: row for row in processes.known().filter(kind="agent", host__in=names).order_by("-silence")}
    held = {row["host"]: row for row in _held(names, now)}
    drift = DriftRecord.objects.filter(host__in=names, mended_at=None).order_by().values_list("host")
    open_drift = dict(drift.annotate(Count("pk")))
    return [
        HostState(
            host=host,
            silence=silences[host.name],
            agent=agents.get(host.name),
            open_drift=open_drift.get(host.name, 0),
            **_counts(held.get(host.name)),
        )
        for host in shown
    ]


def silent_names() -> set[str]:
    """The names of the hosts that count as lost, as far as their rows tell. Two statements."""
    return {name for name, silence in _silences(None).items() if silence > LOST_AFTER}


def overdue(*, now: datetime) -> QuerySet[Schedule]:
    """The schedules of hosts that no wake-up decided in time, and nobody else yet."""
    return visible(Schedule.objects).filter(routed_to__in=_per_host(), next_due_at__lte=now - OVERDUE_AFTER)


def findings(*, now: datetime) -> list[Finding]:
    """What is overdue on hosts, and each host: whether it lives, and whether its cron wakes it."""
    late = overdue(now=now).aggregate(count=Count("pk"), since=Min("next_due_at"))
    found = [Finding("overdue", ok=True, detail="no schedule of a host is overdue")]
    if late["count"]:
        since = f"{late['since']:%Y-%m-%d %H:%M:%S} UTC"
        detail = f"{late['count']} schedules of hosts are overdue, the oldest since {since}"
        advice = "Start `manage.py crontab_agent` on their hosts, or celery beat: either decides them."
        found = [Finding("overdue", ok=False, detail=detail, advice=advice)]
    return [*found, *(_finding(state, now) for state in states(Host.objects.order_by("name"), now=now))]


def _finding(state: HostState, now: datetime) -> Finding:
    name, since = state.host.name, f"{state.silence.total_seconds():.0f} s ago"
    said = f"{name}: last sign of life {since}, {state.schedules} schedules, {state.overdue} overdue"
    if state.silent:
        advice = "Start `manage.py crontab_agent` there. If it is gone for good, give its schedules another host."
        return Finding("host", ok=False, detail=f"{said}; it is silent", advice=advice)
    if state.sleeps(now):
        when = f"{state.woken_at:%Y-%m-%d %H:%M:%S} UTC" if state.woken_at else "never"
        detail = f"{said}; its cron does not wake it (last wake-up: {when}), so upkeep decides"
        return Finding("host", ok=False, detail=detail, advice="Look whether its cron daemon runs.")
    if state.host.error:
        return Finding("host", ok=False, detail=f"{said}; {state.host.error}", advice="Mend its crontab.")
    return Finding("host", ok=True, detail=said)


def _silences(names: Sequence[str] | None) -> dict[str, timedelta]:
    """For each host (None: all), the time since its report, or since a process there that runs tasks was seen."""
    since = ExpressionWrapper(Now() - F("heartbeat_at"), output_field=DurationField())
    hosts, seen = Host.objects.all(), processes.known().filter(kind__in=RUNNING_TASKS)
    if names is not None:
        hosts, seen = hosts.filter(name__in=names), seen.filter(host__in=names)
    found: dict[str, timedelta] = dict(hosts.annotate(since=since).values_list("name", "since"))
    for host, silence in seen.values_list("host", "silence"):
        if host in found:
            found[host] = min(found[host], silence)
    return found


def _held(names: Sequence[str], now: datetime) -> QuerySet[Any]:
    late = Q(next_due_at__lte=now - OVERDUE_AFTER)
    held = Schedule.objects.filter(host__in=names, routed_to__in=_per_host()).order_by().values("host")
    return held.annotate(
        schedules=Count("pk"),
        overdue=Count("pk", filter=late),
        overdue_since=Min("next_due_at", filter=late),
        last_woken=Max("woken_at"),
        last_stood_in=Max("overdue_at"),
    )


def _counts(row: dict[str, Any] | None) -> dict[str, Any]:
    row = row or {}
    return {
        "schedules": row.get("schedules", 0),
        "overdue": row.get("overdue", 0),
        "overdue_since": row.get("overdue_since"),
        "woken_at": row.get("last_woken"),
        "stood_in_at": row.get("last_stood_in"),
    }


def _per_host() -> list[str]:
    return [each.name for each in all_backends() if each.capabilities.per_host]
