"""Checks of the built-in jobs' settings, for `manage.py check`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from jobs.commands import parsed
from scheduling.errors import Misconfigured


@register("tandem")
def commands_are_usable(**_: Any) -> list[CheckMessage]:
    """An error if an entry of TANDEM_COMMANDS is not a valid command."""
    try:
        parsed(settings.TANDEM_COMMANDS)
    except Misconfigured as exc:
        hint = 'Write {"name": {"argv": ["/path/of/program", ...], "arguments": {...}}}, see docs/jobs.md.'
        return [Error(exc.detail, hint=hint, id="jobs.E001")]
    return []
