"""`manage.py create_token USER`: a token for somebody."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from knox.models import AuthToken

from api import users
from api.roles import Role
from scheduling.errors import Misconfigured


class Command(BaseCommand):
    """Prints the token once; only its hash is kept."""

    help = "Create a token for a user, made if missing, with a role; printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user")
        parser.add_argument("--role", choices=[role.name.lower() for role in Role], help="put the user in this group")
        parser.add_argument("--days", type=int, default=90, help="how long the token is good for (1 to 3650)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= 3650:
            raise CommandError("--days: write a number from 1 to 3650.")
        user, _ = users.get_or_create(options["user"])
        if options["role"]:
            try:
                users.give_role(user, Role[options["role"].upper()])
            except Misconfigured as exc:
                raise CommandError(exc.detail) from exc
        _, token = AuthToken.objects.create(user, expiry=timedelta(days=options["days"]))
        self.stdout.write(token)
