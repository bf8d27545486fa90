"""`manage.py create_token USER`: create an API token for a user."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from knox.models import AuthToken

from api import users
from api.roles import Role
from scheduling.errors import Misconfigured


class Command(BaseCommand):
    """Prints the token. The database keeps only its hash, so it cannot be printed again. Expired tokens are deleted."""

    help = "Create an API token for a user and print it once. A missing user is created. --role gives the user a role."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="the name with which the user logs in")
        parser.add_argument("--role", choices=[role.name.lower() for role in Role], help="put the user in this group")
        parser.add_argument("--days", type=int, default=90, help="for how many days the token is valid: 1 to 3650 (90)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= 3650:
            raise CommandError("--days: write a number from 1 to 3650.")
        user, _ = users.get_or_create(options["user"])
        if options["role"]:
            try:
                users.give_role(user, Role[options["role"].upper()])
            except Misconfigured as exc:
                raise CommandError(exc.detail) from exc
        AuthToken.objects.filter(user=user, expiry__lt=timezone.now()).delete()
        _, token = AuthToken.objects.create(user, expiry=timedelta(days=options["days"]))
        self.stdout.write(token)
