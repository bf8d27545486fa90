"""`manage.py bootstrap`: create the first user and token of a new environment."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand

from api import users
from api.tokens import service
from scheduling import clock
from scheduling.roles import Role

USER = "admin"
_MEMBERS = ("user", "password", "token")


class Command(BaseCommand):
    """Creates what is missing, and prints the credentials as JSON. A second call prints the same."""

    help = (
        "Create the role groups, an admin with a random password, and an API token. They are kept in "
        "TANDEM_VAR/credentials with mode 0600."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        for role in Role:
            Group.objects.get_or_create(name=role.name.lower())
        path = Path(settings.VAR) / "credentials"
        kept = _kept(path)
        if kept is None or not _valid(kept):
            kept = _renewed()
            _keep(path, kept)
        self.stdout.write(json.dumps(kept | {"path": str(path)}))


def _kept(path: Path) -> dict[str, str] | None:
    """The credentials in the file; None if there is no file, or it holds something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    complete = isinstance(found, dict) and all(isinstance(found.get(name), str) for name in _MEMBERS)
    return {name: found[name] for name in _MEMBERS} if complete else None


def _valid(kept: dict[str, str]) -> bool:
    """Whether the token in the credentials is valid and belongs to their user."""
    found = service.find(kept["token"], now=clock.now())
    return found is not None and found.user.get_username() == kept["user"]


def _renewed() -> dict[str, str]:
    password = secrets.token_urlsafe(18)
    user, _ = users.get_or_create(USER, superuser=True)
    user.set_password(password)
    user.save()
    now = clock.now()
    _, token = service.create(user, name="bootstrap", expires_at=service.usual_expiry(now), now=now)
    return {"user": USER, "password": password, "token": token}


def _keep(path: Path, kept: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(handle, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(kept, file)
