"""Does every part of a deployment work? Each check ends within a few seconds, even when a part does not answer."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now

from scheduling import damage, host_states, lateness_log, stored_secrets
from scheduling.backend import all_backends
from scheduling.database_away import unavailable
from scheduling.errors import TandemError
from scheduling.executor import executor, executor_names
from scheduling.findings import Finding
from scheduling.lateness import BOUNDS
from scheduling.lifecycle import Status
from scheduling.likely_secrets import places
from scheduling.models import Process, Schedule, Task
from scheduling.processes import SILENT_AFTER, alive_now, hangs
from scheduling.processes import known as known_processes
from scheduling.queues import findings as queue_findings
from scheduling.timing import tzdata_version

# A queued task that is overdue by this much shows that no process does the upkeep.
LEFT_BEHIND: Final = timedelta(minutes=1)
# A clock that differs from the database's by more is a finding. Nothing is decided by such a clock.
MOST_SKEW: Final = timedelta(seconds=2)
# A cursor that is farther ahead of the present than this is wrong: clocks that differ a little do not explain it.
MOST_AHEAD: Final = timedelta(minutes=1)
# Bytes that are written to see whether the disk takes them: about as many as a task with its first event, so that they
# do not fit into the free rest of a page.
PROBE_BYTES: Final = 4096
# The time of which the lateness of occurrences is shown.
LATENESS_OF: Final = timedelta(days=1)
# Schedules whose parameters are searched for secrets: it takes about a second.
LOOKED_AT: Final = 10_000
# Parameters that are named: whoever has more of them needs no list of all.
MOST_NAMED: Final = 10
# How long SQLite is waited for when another process holds its lock.
PROBE_MILLISECONDS: Final = 2000


def examine(*, now: datetime) -> Iterator[Finding]:
    """Yield all findings. When the database does not answer, the checks that need it are left out."""
    stored = database()
    yield stored
    yield from executors()
    yield from processes()
    if stored.ok:
        yield from queues()
        yield from living()
        yield plans(now=now)
        yield time_zones()
        yield upkeep(now=now)
        yield lateness(now=now)
        yield likely_secrets()
        yield from kept_secrets()
        yield from host_states.findings(now=now)
        yield from backends()


def database() -> Finding:
    """Whether the database answers, has all migrations and can be written."""
    try:
        connection.ensure_connection()
        plan = MigrationExecutor(connection)
        missing = plan.migration_plan(plan.loader.graph.leaf_nodes())
    except (DatabaseError, InterfaceError) as exc:
        connection.close()
        if damage.is_damage(exc):
            # Only the name of the file, not its folder: everybody may read a finding.
            advice = damage.advice(Path(str(connection.settings_dict["NAME"])).name)
            return Finding("database", ok=False, detail="its file is damaged", advice=advice)
        advice = "Start the database, or set DATABASE_URL to its address."
        return Finding("database", ok=False, detail=f"it does not answer ({_named(exc)})", advice=advice)
    if missing:
        detail = f"{len(missing)} migrations are not applied"
        return Finding("database", ok=False, detail=detail, advice="Run `manage.py migrate`.")
    try:
        _write()
    except (DatabaseError, InterfaceError) as exc:
        connection.close()
        advice = "Free space on its disk, end what locks it, or set DATABASE_URL to a server that is not read-only."
        return Finding("database", ok=False, detail=f"it cannot be written ({_named(exc)})", advice=advice)
    return Finding("database", ok=True, detail=f"{connection.display_name} answers, all migrations are applied")


def _write() -> None:
    """Write a row and delete it again, in one transaction. Only its commit shows that the disk takes it."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {PROBE_MILLISECONDS}")
    with transaction.atomic():
        Process.objects.create(
            key=f"probe-{secrets.token_hex(16)}",
            kind="probe",
            host=settings.TANDEM_HOST,
            pid=os.getpid(),
            queues=[secrets.token_hex(PROBE_BYTES // 2)],
            started_at=Now(),
            seen_at=Now(),
        ).delete()


def _named(exc: Exception) -> str:
    """The error without its text, which may hold names and addresses: everybody may read a finding."""
    return unavailable(exc) or type(exc).__name__


def executors() -> list[Finding]:
    """Whether tasks can be handed over."""
    return [finding for name in executor_names() for finding in executor(name).health()]


def processes() -> list[Finding]:
    """Whether processes run that take the tasks."""
    return [finding for name in executor_names() for finding in executor(name).processes()]


def queues() -> list[Finding]:
    """What waits in each queue, and whether a worker takes it."""
    return [finding for name in executor_names() for finding in queue_findings(name)]


def living() -> list[Finding]:
    """Each process that is alive, or fell silent: its queues, its last sign of life, its clock, its last attempt.

    One that fell silent is left out when another of its kind has started on its machine since.
    """
    rows = list(known_processes())
    newest = {(row.kind, row.host): row.started_at for row in sorted(rows, key=lambda row: row.started_at)}
    return [_living(row) for row in rows if row.silence <= SILENT_AFTER or newest[row.kind, row.host] == row.started_at]


def _living(row: Any) -> Finding:
    said = [f"process {row.pid} on {row.host}, heard of {_seconds(row.silence)} ago"]
    if row.queues:
        said.append(f"takes {', '.join(row.queues)}")
    if row.claimed_at is not None:
        said.append(f"began an attempt at {row.claimed_at:%H:%M:%S} UTC")
    silent, wrong, stuck = row.silence > SILENT_AFTER, abs(row.skew) > MOST_SKEW, hangs(row)
    if stuck:
        said.append(f"its loop has stood still for {_seconds(row.seen_at - row.came_round_at)}")
    if wrong:
        side = "ahead of" if row.skew > timedelta(0) else "behind"
        said.append(f"its clock is {_seconds(abs(row.skew))} {side} the database's")
    advice = "Look whether it hangs, and start it again. " if silent or stuck else ""
    advice += "Set the clock of that machine (NTP)." if wrong else ""
    return Finding(row.kind, ok=not (silent or wrong or stuck), detail="; ".join(said), advice=advice.strip())


def time_zones() -> Finding:
    """Whether all living processes, and this one, plan by the same release of the time zone data."""
    rows = alive_now().values_list("tzdata", "kind", "host")
    others = sorted({f"{kind} on {host} has {release}" for release, kind, host in rows if release != tzdata_version()})
    if not others:
        return Finding("tzdata", ok=True, detail=f"every process has the release {tzdata_version()}")
    detail = f"this process has {tzdata_version()}; {'; '.join(others)}"
    advice = "Install the same requirements everywhere, then start the processes with the older release again."
    return Finding("tzdata", ok=False, detail=detail, advice=advice)


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s"


def plans(*, now: datetime) -> Finding:
    """Whether no schedule has been decided beyond the present: then it is silent until that time."""
    ahead = Schedule.objects.filter(cursor__gt=now + MOST_AHEAD).order_by("-cursor")
    first = ahead.first()
    if first is None:
        return Finding("plans", ok=True, detail="no schedule is decided beyond the present")
    detail = (
        f"{ahead.count()} schedules are decided beyond the present, the farthest is {first.pk}, up to {first.cursor}"
    )
    advice = "A clock was ahead. A change of a schedule's timing, or a pause and a resume, plans it from now on."
    return Finding("plans", ok=False, detail=detail, advice=advice)


def upkeep(*, now: datetime) -> Finding:
    """Whether unclaimed tasks are sent again. Beat does that."""
    waiting = Task.objects.filter(status=Status.QUEUED, send_at__lt=now - LEFT_BEHIND)
    names = [name for name in executor_names() if not executor(name).in_process]
    late = waiting.filter(executor__in=names).count()
    if not late:
        return Finding("upkeep", ok=True, detail="no task is overdue to be sent")
    advice = "Start `python -m celery -A settings.celery beat`, and the broker if it does not answer."
    waits = "1 task waits" if late == 1 else f"{late} tasks wait"
    return Finding("upkeep", ok=False, detail=f"{waits} for more than a minute to be sent", advice=advice)


def lateness(*, now: datetime) -> Finding:
    """How late occurrences were handed over within a day. What was caught up after an outage is in it, so none is too
    late.
    """
    found = lateness_log.between(now - LATENESS_OF, now)
    if not found.total:
        return Finding("lateness", ok=True, detail="no occurrence was handed over within a day")
    half, most = (_bound(found.at_most(share)) for share in (0.5, 0.99))
    detail = f"of {found.total} occurrences within a day half were {half} late, and 99 % {most}"
    return Finding("lateness", ok=True, detail=detail)


def _bound(seconds: float | None) -> str:
    return f"more than {BOUNDS[-1]:g} s" if seconds is None else f"at most {seconds:g} s"


def likely_secrets() -> Finding:
    """Whether parameters of schedules hold what looks like a secret. The newest LOOKED_AT are looked at."""
    rows = Schedule.objects.exclude(parameters={}).order_by("-pk").values_list("pk", "parameters")[:LOOKED_AT]
    found = [f"schedule {pk}: {place}" for pk, given in rows.iterator() for place in places(given)]
    if not found:
        return Finding("secrets", ok=True, detail="no parameter of a schedule looks like a secret")
    more = f", and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    advice = 'Every viewer can read them: keep each as a secret, and write {"$secret": "NAME"} (docs/secrets.md).'
    detail = f"parameters look like secrets: {', '.join(found[:MOST_NAMED])}{more}"
    return Finding("secrets", ok=False, detail=detail, advice=advice)


def kept_secrets() -> Iterator[Finding]:
    """Whether the secrets that the database keeps can be opened; nothing where it keeps none."""
    kept = stored_secrets.names()
    if not kept:
        return
    if closed := stored_secrets.unopened():
        detail = f"no key of TANDEM_SECRET_KEYS opens {', '.join(closed[:MOST_NAMED])}"
        yield Finding("stored secrets", ok=False, detail=detail, advice="Add the key that sealed them.")
    else:
        yield Finding("stored secrets", ok=True, detail=f"all {len(kept)} can be opened")


def backends() -> list[Finding]:
    """Whether the clock of each backend works, as the backend itself reports: beat, and this host's crontab."""
    found = []
    for where in all_backends():
        try:
            found.append(where.health())
        except (TandemError, DatabaseError, InterfaceError) as exc:
            found.append(Finding(where.name, ok=False, detail=f"its state cannot be read ({type(exc).__name__})"))
    return found
