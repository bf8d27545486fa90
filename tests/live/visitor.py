"""A client that keeps creating tasks over REST while servers fail."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Self

from django.contrib.auth.models import Group, User

from tests.rest_client import Json, on_port
from tests.tokens import token_for

_PAUSE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and the seconds until it came. Status 0 means that there was no answer."""

    status: int
    seconds: float
    body: Json


class Visitor:
    """Posts a task a few times a second inside the block. `answers` holds the answers."""

    def __init__(self, port: int, wanted: Json) -> None:
        self.answers: list[Answer] = []
        self._client, self._wanted = on_port(port, a_token()), wanted
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask_on)

    def ask(self) -> Answer:
        """Post one task."""
        started = time.monotonic()
        status, body = self._client.ask("POST", "tasks/", self._wanted)
        return Answer(status, time.monotonic() - started, body)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask_on(self) -> None:
        while not self._over.wait(_PAUSE_SECONDS):
            self.answers.append(self.ask())


def a_token() -> str:
    """A token of a user who may write, in the present database."""
    user, _ = User.objects.get_or_create(username="visitor")
    user.groups.add(Group.objects.get_or_create(name="operator")[0])
    return token_for(user)
