"""Which machine's crontab a schedule belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Final

from django.conf import settings

from scheduling.models import Host
from scheduling.phrases import phrase

# A host is lost after so long without a sign of life. Its agent reports every 15 s and has a pulse every five: this
# bears an agent that is started again, and a network that is away for half a minute.
LOST_AFTER: Final = timedelta(seconds=60)
# A wake-up comes within the minute, and many wake-ups of one minute need a while to start. What is undecided after this
# got no wake-up. This is well below the default grace of a schedule, so that the occurrence still runs.
OVERDUE_AFTER: Final = timedelta(seconds=90)
# The kinds of processes that show that tasks are run on a host. A web process there runs none.
RUNNING_TASKS: Final = ("agent", "inline")


# Inside of `asked_once`: what the table of hosts was found to hold.
_names: Final[ContextVar[set[str] | None]] = ContextVar("host_names", default=None)


@contextmanager
def asked_once() -> Iterator[None]:
    """Inside of the block many schedules or tasks are checked: the hosts are read once for all of them."""
    token = _names.set(set(Host.objects.values_list("name", flat=True)))
    try:
        yield
    finally:
        _names.reset(token)


def has_crontab_here() -> bool:
    """Whether this machine has a crontab that Tandem writes."""
    return bool(settings.TANDEM_CRONTAB != "none")


def default_host() -> str:
    """This machine if it has a crontab, else the only machine that has one, else none ('')."""
    if has_crontab_here():
        return str(settings.TANDEM_HOST)
    known = _names.get()
    names = list(Host.objects.values_list("name", flat=True)[:2]) if known is None else list(known)
    return names[0] if len(names) == 1 else ""


def problem_with(name: str) -> str:
    """Why nothing can run in a process of the machine called `name`; empty where it has a crontab."""
    if name == settings.TANDEM_HOST:
        if has_crontab_here():
            return ""
        return phrase("{host} has no crontab (TANDEM_CRONTAB is none): name another host.", host=name)
    known = _names.get()
    if Host.objects.filter(name=name).exists() if known is None else name in known:
        return ""
    return phrase(
        "No machine called {host} has a crontab here: start `manage.py crontab_agent` on it, or name another host.",
        host=name[:100],
    )
