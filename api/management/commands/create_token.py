"""`manage.py create_token USER`: create an API token for a user."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from api import users
from api.bindings.service import owner_named
from api.permissions import ALL_SCOPES
from api.tokens import service
from scheduling import clock
from scheduling.errors import InvalidRequest, Misconfigured
from scheduling.roles import Role


class Command(BaseCommand):
    """Prints the token. The database keeps only its hash, so it cannot be printed again."""

    help = "Create an API token for a user and print it once. A missing user is created. --role gives the user a role."

    def add_arguments(self, parser: CommandParser) -> None:
        days = settings.TANDEM_TOKEN_DAYS
        parser.add_argument("user", help="the name with which the user logs in")
        parser.add_argument("--role", choices=[role.name.lower() for role in Role], help="put the user in this group")
        parser.add_argument("--name", default="create_token", help="what the token is for, to be shown in lists")
        parser.add_argument(
            "--scope",
            action="append",
            choices=ALL_SCOPES,
            help="what the token may be used for, if the role allows it; may be given several times (all of them)",
        )
        parser.add_argument(
            "--days", type=int, default=days, help=f"for how many days it is valid: 1 to {service.MOST_DAYS} ({days})"
        )
        parser.add_argument("--owner", help="the group whose things alone the token is for")

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["days"] <= service.MOST_DAYS:
            raise CommandError(f"--days: write a number from 1 to {service.MOST_DAYS}.")
        if not 1 <= len(options["name"]) <= 100:
            raise CommandError("--name: write 1 to 100 characters.")
        user, _ = users.get_or_create(options["user"])
        if options["role"]:
            try:
                users.give_role(user, Role[options["role"].upper()])
            except Misconfigured as exc:
                raise CommandError(exc.detail) from exc
        now = clock.now()
        try:
            owner = owner_named(options["owner"], None).pk if options["owner"] else None
        except InvalidRequest as exc:
            raise CommandError(f"--owner: {exc.detail}") from exc
        _, text = service.create(
            user,
            name=options["name"],
            scopes=options["scope"] or ALL_SCOPES,
            expires_at=now + timedelta(days=options["days"]),
            now=now,
            owner=owner,
        )
        self.stdout.write(text)
