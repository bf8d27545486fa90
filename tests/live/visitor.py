"""A client that keeps creating tasks over REST while servers fail."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any, Self

from django.contrib.auth.models import Group, User

from tests.tokens import token_for

_PAUSE_SECONDS = 0.2
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and the seconds until it came. Status 0 means that there was no answer."""

    status: int
    seconds: float
    body: dict[str, Any]


class Visitor:
    """Posts a task a few times a second inside the block. `answers` holds the answers."""

    def __init__(self, port: int, wanted: dict[str, Any]) -> None:
        self.answers: list[Answer] = []
        self._port, self._wanted = port, json.dumps(wanted)
        self._token = a_token()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask_on)

    def ask(self) -> Answer:
        """Post one task."""
        started = time.monotonic()
        connection = HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE_SECONDS)
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"}
        try:
            connection.request("POST", "/api/tasks/", self._wanted, headers)
            response = connection.getresponse()
            return Answer(response.status, time.monotonic() - started, json.loads(response.read()))
        except OSError as exc:
            return Answer(0, time.monotonic() - started, {"error": repr(exc)})
        finally:
            connection.close()

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
