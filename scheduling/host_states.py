"""Which hosts live and wake their schedules, and what is overdue there. For people: nothing is decided by it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, DurationField, ExpressionWrapper, F, Min, OuterRef, QuerySet, Subquery
from django.db.models.functions import Now

from scheduling import processes
from scheduling.backend import all_backends
from scheduling.findings import Finding
from scheduling.hosts import LOST_AFTER, OVERDUE_AFTER, RUNNING_TASKS
from scheduling.models import DriftRecord, Host, Process, Schedule
from scheduling.owners import visible

# For so long a host is shown as one whose cron does not wake it, after upkeep had to decide in its place. The next
# wake-up would prove the opposite, but of a yearly schedule it is a year away.
SHOWN_FOR: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class HostState:
    """A host, and what is known of it. `silence` is the time since its last sign of life, by the database's clock.

    `schedules` is None where nobody asked for their number.
    """

    host: Host
    silence: timedelta
    agent: Process | None
    schedules: int | None
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
        """Whether its agent lives, but its cron does not wake it: upkeep had to decide, and no wake-up came since."""
        if self.silent or self.stood_in_at is None or now - self.stood_in_at > SHOWN_FOR:
            return False
        return self.woken_at is None or self.woken_at < self.stood_in_at


def states(hosts: Iterable[Host], *, now: datetime, counted: bool = True) -> list[HostState]:
    """The state of each host, in their order. Seven statements, however many there are; six if not `counted`.

    What they read does not grow with the schedules of a host, but with those that are overdue. Only the number of its
    schedules does, which `counted` asks for.
    """
    shown = list(hosts)
    names = [host.name for host in shown]
    silences = _silences(names)
    agents = {row.host: row for row in processes.known().filter(kind="agent", host__in=names).order_by("-silence")}
    late = {row["host"]: row for row in _late(names, now)}
    decided = {row["name"]: row for row in last_decided(names)}
    of_each = dict(held(names)) if counted else None
    drift = DriftRecord.objects.filter(host__in=names, mended_at=None).order_by().values_list("host")
    open_drift = dict(drift.annotate(Count("pk")))
    return [
        HostState(
            host=host,
            silence=silences[host.name],
            agent=agents.get(host.name),
            schedules=None if of_each is None else of_each.get(host.name, 0),
            overdue=late.get(host.name, {}).get("overdue", 0),
            overdue_since=late.get(host.name, {}).get("since"),
            woken_at=decided[host.name]["woken_at"],
            stood_in_at=decided[host.name]["stood_in_at"],
            open_drift=open_drift.get(host.name, 0),
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


def _late(names: Sequence[str], now: datetime) -> QuerySet[Any]:
    """What is overdue on each host, through the index of dispatch: hardly ever anything."""
    late = Schedule.objects.filter(routed_to__in=_per_host(), next_due_at__lte=now - OVERDUE_AFTER, host__in=names)
    return late.order_by().values("host").annotate(overdue=Count("pk"), since=Min("next_due_at"))


def last_decided(names: Sequence[str]) -> QuerySet[Any]:
    """When the schedules of each host were last decided by a wake-up, and by upkeep: the first of an index each."""
    theirs = Schedule.objects.filter(host=OuterRef("name"), host__gt="", routed_to__in=_per_host())
    return Host.objects.filter(name__in=names).values(
        "name",
        woken_at=_newest(theirs.filter(woken_at__isnull=False), "woken_at"),
        stood_in_at=_newest(theirs.filter(overdue_at__isnull=False), "overdue_at"),
    )


def held(names: Sequence[str]) -> QuerySet[Any]:
    """The name of each host that has schedules, and how many. The index of hosts alone answers it."""
    rows = Schedule.objects.filter(host__in=names, routed_to__in=_per_host()).order_by().values_list("host")
    # Not the primary key, which is not in that index: PostgreSQL would read each row for it.
    return rows.annotate(held=Count("*"))


def _newest(rows: QuerySet[Schedule], column: str) -> Subquery:
    return Subquery(rows.order_by(f"-{column}").values(column)[:1])


def _per_host() -> list[str]:
    return [each.name for each in all_backends() if each.capabilities.per_host]
