"""A client of the REST API for drills: it goes on asking while servers are away."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any, Final

Json = dict[str, Any]

_PATIENCE_SECONDS: Final = 10.0


class RestClient:
    """Asks with a token, over a connection of its own for each question. `connection` makes it."""

    def __init__(self, connection: Callable[[], HTTPConnection], token: str) -> None:
        self.token = token
        self._connection = connection

    def ask(self, method: str, path: str, body: Json | None = None) -> tuple[int, Json]:
        """The status and the body of the answer to a question at `path` below /api/; 0 and the error where none comes.

        The body is {} where it is empty, or no JSON.
        """
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        try:
            connection = self._connection()
            try:
                connection.request(method, f"/api/{path}", None if body is None else json.dumps(body), headers)
                response = connection.getresponse()
                text = response.read()
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as exc:
            return 0, {"error": repr(exc)}
        try:
            return response.status, json.loads(text) if text else {}
        except ValueError:
            return response.status, {}


def on_port(port: int, token: str) -> RestClient:
    """A client of a server on this machine."""
    return RestClient(lambda: HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_SECONDS), token)
