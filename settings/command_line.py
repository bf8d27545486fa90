"""Django's command line, as `manage.py` and its users have it."""

from __future__ import annotations

import getpass
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import DatabaseError, connection

from scheduling.caller import Caller, acting

# These run on and on, or when something is due: what they do is Tandem's own doing.
_OWN = frozenset({"beat", "broker", "cron_runner", "crontab_agent", "due", "runserver"})


def main() -> None:
    """Run the command that `sys.argv` names.

    What an operator can mend is said in a sentence; anything else shows where it comes from.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.development")
    try:
        if sys.argv[1:2] and sys.argv[1] in _OWN:
            execute_from_command_line(sys.argv)
        else:
            with acting(Caller("command", user=_user())):
                execute_from_command_line(sys.argv)
    except ImproperlyConfigured as exc:
        sys.exit(str(exc))
    except DatabaseError as exc:
        from scheduling import damage  # noqa: PLC0415 - it needs the settings, which are loaded by now

        if not damage.is_damage(exc):
            raise
        sys.exit(f"The database's file is damaged. {damage.advice(str(connection.settings_dict['NAME']))}")
    except KeyboardInterrupt:
        sys.exit(130)


def _user() -> str:
    """Who runs this, as the system calls them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
