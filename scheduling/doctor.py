"""Is everything there that a deployment needs? Each question ends within a few seconds, whatever is away."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from scheduling import damage
from scheduling.backend import all_backends
from scheduling.errors import TandemError
from scheduling.executor import executor, executor_names
from scheduling.findings import Finding
from scheduling.lifecycle import Status
from scheduling.models import Task

# A task that should have been sent this long ago shows that nobody does the upkeep.
LEFT_BEHIND: Final = timedelta(minutes=1)


def examine(*, now: datetime) -> Iterator[Finding]:
    """All findings, one after the other. Where the database is away, what it would be asked for is left out."""
    stored = database()
    yield stored
    yield from executors()
    yield from processes()
    if stored.ok:
        yield upkeep(now=now)
        yield from backends()


def database() -> Finding:
    """Whether the database answers and has all migrations."""
    try:
        connection.ensure_connection()
        plan = MigrationExecutor(connection)
        missing = plan.migration_plan(plan.loader.graph.leaf_nodes())
    except (DatabaseError, InterfaceError, OperationalError) as exc:
        connection.close()
        if damage.is_damage(exc):
            # The name of the file, and not where it is: everybody can ask whether we are ready.
            advice = damage.advice(Path(str(connection.settings_dict["NAME"])).name)
            return Finding("database", ok=False, detail="its file is damaged", advice=advice)
        advice = "Start the database, or set DATABASE_URL to where it is."
        # The text may hold names and addresses; the kind of error is for everybody.
        return Finding("database", ok=False, detail=f"it does not answer ({type(exc).__name__})", advice=advice)
    if missing:
        detail = f"{len(missing)} migrations are not applied"
        return Finding("database", ok=False, detail=detail, advice="Run `manage.py migrate`.")
    return Finding("database", ok=True, detail=f"{connection.display_name} answers, all migrations are applied")


def executors() -> list[Finding]:
    """Whether tasks can be handed over."""
    return [finding for name in executor_names() for finding in executor(name).health()]


def processes() -> list[Finding]:
    """Whether somebody runs what is handed over."""
    return [finding for name in executor_names() for finding in executor(name).processes()]


def upkeep(*, now: datetime) -> Finding:
    """Whether somebody sends again what was left behind, which is beat's work."""
    waiting = Task.objects.filter(status=Status.QUEUED, send_at__lt=now - LEFT_BEHIND)
    names = [name for name in executor_names() if not executor(name).in_process]
    late = waiting.filter(executor__in=names).count()
    if not late:
        return Finding("upkeep", ok=True, detail="nothing was left behind")
    advice = "Start `python -m celery -A settings.celery beat`, and see to the broker if it is away."
    return Finding("upkeep", ok=False, detail=f"{late} tasks wait for more than a minute to be sent", advice=advice)


def backends() -> list[Finding]:
    """Whether the clocks that wake us are there, as each backend says of itself: beat, and this host's crontab."""
    found = []
    for where in all_backends():
        try:
            found.append(where.health())
        except (TandemError, DatabaseError, InterfaceError) as exc:
            found.append(Finding(where.name, ok=False, detail=f"its state cannot be told ({type(exc).__name__})"))
    return found
