"""`manage.py revoke_token TOKEN`: revoke API tokens."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from api import users
from api.models import ApiToken
from api.tokens import service
from scheduling import clock


class Command(BaseCommand):
    """Says how many tokens were revoked. The exit code is 1 if there was none to revoke."""

    help = "Revoke a token, or all tokens of a user. Live streams that it opened end within seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("token", nargs="?", help="the token, or its prefix, as lists show it")
        parser.add_argument("--user", help="revoke all tokens of the user who logs in with this name")

    def handle(self, *args: Any, **options: Any) -> None:
        token, name = options["token"], options["user"]
        if bool(token) == bool(name):
            raise CommandError("Write either the prefix of a token, or --user NAME.")
        found = (
            service.beginning_with(token) if token else ApiToken.objects.filter(**{f"user__{users.name_field()}": name})
        )
        revoked = service.revoke(found, now=clock.now())
        if not revoked:
            raise CommandError("There is no such token, or it is revoked already.")
        self.stdout.write(f"{revoked} token{'s' * (revoked > 1)} revoked.")
