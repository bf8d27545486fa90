"""Is there anything to do for a wake-up? A look that costs a few queries, and none of what jobs need."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from django.conf import settings

from backends.crontab import agent_socket, files
from backends.crontab.spool import store
from scheduling import clock, processes
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task

# The seconds between the tries while the database is away: 20 in all, enough for a restart of the database. If it stays
# away longer, the next wake-up finds what was due.
PAUSES: Final = (0.5, 1.0, 2.5, 5.0, 5.0, 6.0)


def something_to_do() -> bool:
    """Whether something is due or was left behind on this machine, or the table is to be renewed.

    Raises OperationalError or InterfaceError if the database is away.
    """
    now, host = clock.now(), settings.TANDEM_HOST
    return (
        Schedule.objects.filter(routed_to="crontab", host=host, next_due_at__lte=now).exists()
        or Task.objects.filter(status=Status.QUEUED, host=host, send_at__lte=now).exists()
        or _left_by_a_process_that_is_gone()
        or store.here().has_something()
        or renewal_is_due()
    )


def renewal_is_due() -> bool:
    """Whether no agent lives, and no wake-up has renewed the table on this day (UTC): lines depend on the day."""
    if settings.TANDEM_CRONTAB == "none" or _agent_lives():
        return False
    try:
        renewed_at = datetime.fromtimestamp(_stamp().stat().st_mtime, UTC)
    except OSError:
        return True
    return renewed_at.date() != datetime.now(UTC).date()


def renewed() -> None:
    """Note that the table was renewed, or that this was tried: the next try comes on another day."""
    agent_socket.make_folder()
    _stamp().touch()


def _left_by_a_process_that_is_gone() -> bool:
    running = Task.objects.filter(status=Status.RUNNING).exclude(process="").values_list("process", flat=True)
    return any(processes.is_gone(process) for process in running)


def _agent_lives() -> bool:
    try:
        return files.is_held(agent_socket.folder() / "lock")
    except OSError:
        # It is another user's: the agent of this installation is not.
        return False


def _stamp() -> Path:
    return agent_socket.folder() / "renewed"
