"""Which installation is this one: which lines and markers of a crontab are its own?"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from backends.crontab import lines, wrapper
from backends.crontab.owner import Owner, installation_id
from backends.crontab.targets import Target


def owner(target: Target) -> Owner:
    """This installation, in this table. Raises BackendError if no line of cron can hold the path of its wrapper."""
    folder = str(Path(settings.VAR).absolute())
    fields = 6 if target.user else 5
    return Owner(installation_id(folder), f"{wrapper.command_of(wrapper.path())} {lines.WAKE_UP}".encode(), fields)
