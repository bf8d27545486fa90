"""Which machine's crontab a schedule belongs to."""

from __future__ import annotations

from django.conf import settings

from scheduling.models import Host


def has_crontab_here() -> bool:
    """Whether this machine has a crontab that Tandem writes."""
    return bool(settings.TANDEM_CRONTAB != "none")


def default_host() -> str:
    """This machine if it has a crontab, else the only machine that has one, else none ('')."""
    if has_crontab_here():
        return str(settings.TANDEM_HOST)
    names = list(Host.objects.values_list("name", flat=True)[:2])
    return names[0] if len(names) == 1 else ""


def problem_with(name: str) -> str:
    """Why nothing can run in a process of the machine called `name`; empty where it has a crontab."""
    if name == settings.TANDEM_HOST:
        return "" if has_crontab_here() else f"{name} has no crontab (TANDEM_CRONTAB is none): name another host."
    if Host.objects.filter(name=name).exists():
        return ""
    return (
        f"No machine called {name[:100]} has a crontab here: start `manage.py crontab_agent` on it, "
        "or name another host."
    )
