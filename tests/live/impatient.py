"""`manage.py` of a host that waits for the database for a moment only."""

from __future__ import annotations

import sys

import django
from django.core.management import execute_from_command_line


def main() -> None:
    """Run the command in the arguments."""
    django.setup()
    from backends.crontab import look  # noqa: PLC0415 - after setup

    setattr(look, "PAUSES", (0.1, 0.1))  # noqa: B010 - an assignment is one that mypy refuses
    execute_from_command_line(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()
