"""Bodies that are cut before Django reads them. With a real server: tests/live/test_edge.py."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest

from api.limits import bodies
from api.limits.bodies import BoundedBodies, Message, Receive, Scope, Send, bounded_wsgi

MOST = 100


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads the whole body, and answers how long it was; and then waits for the client to leave."""
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message["body"]), message["more_body"]
    assert (await receive())["type"] == "http.disconnect"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


def answer(*pieces: bytes, declared: int | None = None, seconds: float = 60) -> tuple[int, Any, int]:
    """The status, the body, and how many pieces were read before the answer. The body ends with the last piece."""
    waiting = list(pieces)
    sent: list[Message] = []
    heard: list[int] = []

    async def receive() -> Message:
        if not waiting:
            return {"type": "http.disconnect"}
        body = waiting.pop(0)
        if body == b"never":
            waiting.insert(0, body)
            await asyncio.Event().wait()
        return {"type": "http.request", "body": body, "more_body": bool(waiting)}

    async def send(message: Message) -> None:
        if not sent:
            heard.append(len(pieces) - len(waiting))
        sent.append(message)

    headers = [] if declared is None else [(b"content-length", str(declared).encode())]
    scope = {"type": "http", "method": "POST", "path": "/api/tasks/", "headers": headers}
    asyncio.run(BoundedBodies(reading, most=MOST, seconds=seconds)(scope, receive, send))
    start, *parts = sent
    return start["status"], json.loads(b"".join(one["body"] for one in parts)), heard[0]


def test_a_body_within_the_bound_is_read_whole() -> None:
    assert answer(b"x" * 60, b"x" * 40, declared=100) == (200, 100, 2)
    assert answer(b"") == (200, 0, 1)


def test_a_body_whose_length_is_declared_too_large_is_not_read_at_all() -> None:
    status, body, read = answer(b"x" * 200, declared=200)
    assert (status, body["code"], read) == (413, "too_large", 0)
    assert body["detail"] == "A request body may have at most 100 bytes."


@pytest.mark.parametrize("declared", [None, 5])
def test_a_body_is_counted_as_it_comes_whatever_was_declared(declared: int | None) -> None:
    status, body, read = answer(*[b"x" * 60] * 50, declared=declared)
    assert (status, body["code"], read) == (413, "too_large", 2)


def test_a_body_that_does_not_come_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LINGER_SECONDS", 0.01)
    status, body, _ = answer(b"x", b"never", b"x", seconds=0.01)
    assert (status, body["code"]) == (408, "too_slow")


def test_what_is_no_http_is_passed_on() -> None:
    seen = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    async def unused(*_: Any) -> Any:
        raise AssertionError

    asyncio.run(BoundedBodies(application, most=1, seconds=1)({"type": "websocket"}, unused, unused))
    assert seen == ["websocket"]


@pytest.mark.parametrize(("declared", "status"), [("100", 200), ("101", 413), ("", 200), ("x", 200)])
def test_a_wsgi_server_refuses_by_the_length(declared: str, status: int) -> None:
    started: list[str] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"{}"]

    environ = {"CONTENT_LENGTH": declared, "wsgi.input": io.BytesIO()}
    [body] = bounded_wsgi(application, most=MOST)(environ, lambda line, _: started.append(line))
    assert started[0].startswith(str(status))
    assert (status == 413) is (json.loads(body).get("code") == "too_large")
