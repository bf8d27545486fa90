"""`manage.py secret set|list|delete|rotate`: the secrets that the database keeps."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from scheduling import clock, secret_changes
from scheduling.errors import TandemError
from scheduling.models import StoredSecret


class Command(BaseCommand):
    """A value comes from stdin or a prompt: arguments are in the list of processes and in the shell's history."""

    help = "Keep secrets in the database. A value is read from stdin, or asked for; no command shows one."
    # Those of the settings. Others load every page and view, which this has no use for.
    requires_system_checks = ("tandem",)

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        setting = verbs.add_parser("set", help="store a secret, new or in place of another value")
        setting.add_argument("name", help="lower-case letters, digits and dashes")
        verbs.add_parser("list", help="names, and when each was changed by whom")
        deleting = verbs.add_parser("delete", help="delete a secret that no schedule uses")
        deleting.add_argument("name")
        deleting.add_argument("--force", action="store_true", help="also where schedules use it")
        verbs.add_parser("rotate", help="seal all secrets with the first key of TANDEM_SECRET_KEYS")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            said = getattr(self, f"_{options['verb']}")(**options)
        except TandemError as exc:
            # Not its cause: the traceback of that may hold a value.
            raise CommandError(exc.detail) from None
        self.stdout.write(said)

    def _set(self, *, name: str, **_: Any) -> str:
        value = getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.read().removesuffix("\n")
        secret_changes.put(name, value, now=clock.now())
        return f"{name} is stored."

    def _list(self, **_: Any) -> str:
        rows = StoredSecret.objects.select_related("changed_by").order_by("pk")
        lines = (f"{row.name}  {row.changed_at:%Y-%m-%d %H:%M:%S}  {_who(row)}".rstrip() for row in rows)
        return "\n".join(lines)

    def _delete(self, *, name: str, force: bool, **_: Any) -> str:
        using = secret_changes.delete(name, now=clock.now(), force=force)
        still = f" Schedules still name it: {', '.join(map(str, using))}." if using else ""
        return f"{name} is deleted.{still}"

    def _rotate(self, **_: Any) -> str:
        return f"{secret_changes.rotate(now=clock.now())} secrets are sealed with the first key."


def _who(row: StoredSecret) -> str:
    return (row.changed_by.user or row.changed_by.kind) if row.changed_by is not None else ""
