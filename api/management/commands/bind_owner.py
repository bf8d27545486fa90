"""`manage.py bind_owner OWNER --user NAME`: bind people to an owner, so that they see and change only what is its."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError, CommandParser

from api import users
from api.bindings import service
from scheduling import clock
from scheduling.errors import InvalidRequest


class Command(BaseCommand):
    """Says what is so then. A second call with the same words changes nothing."""

    help = (
        "Bind a user, or everybody in a group, to an owner (a group, which is created if it is missing), or take that "
        "back with --remove. Who has no binding left sees everything. Live connections end within seconds."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("owner", help="the name of the group that owns things")
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--user", help="the user who logs in with this name")
        who.add_argument("--group", help="everybody in the group of this name")
        parser.add_argument("--remove", action="store_true", help="take the binding back")

    def handle(self, *_: Any, **options: Any) -> None:
        Group.objects.get_or_create(name=options["owner"])
        try:
            owner = service.owner_named(options["owner"], None)
        except InvalidRequest as exc:
            raise CommandError(exc.problems[0].detail) from exc
        who = {"user": _user(options["user"])} if options["user"] else {"group": _group(options["group"])}
        change = service.unbind if options["remove"] else service.bind
        change(owner, **who, now=clock.now())
        name, now = options["user"] or options["group"], "not bound" if options["remove"] else "bound"
        self.stdout.write(f"{name} is {now} to {owner.name}.")


def _user(name: str) -> Any:
    found = users.find(name)
    if found is None:
        raise CommandError(f"There is no user {name}.")
    return found


def _group(name: str) -> Group:
    found = Group.objects.filter(name=name).first()
    if found is None:
        raise CommandError(f"There is no group {name}.")
    return found
