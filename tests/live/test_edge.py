"""A real uvicorn and hostile clients: bodies that are too large or too slow, and headers that never end."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.live.installation import Installation, ledger_at
from tests.live.watching import Web, message

pytestmark = pytest.mark.live

POST = b"POST /api/tasks/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def web(sqlite: Path, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Web]:
    """A web server whose patience is short, for all the tests of this file: none of them leaves it anything."""
    folder = tmp_path_factory.mktemp("edge")
    shutil.copy(sqlite, folder / "tandem.sqlite3")
    url = f"sqlite:///{folder / 'tandem.sqlite3'}"
    with django_db_blocker.unblock(), ledger_at(url):
        made = Installation(url, "redis://127.0.0.1:1/0", folder)
        try:
            yield Web(made, TANDEM_HEADER_SECONDS="1", TANDEM_BODY_SECONDS="1")
        finally:
            made.close()


def said(web: Web, *pieces: bytes) -> tuple[int, bytes]:
    """The status and the body that the server answers, until it closes the connection."""
    with socket.create_connection(("127.0.0.1", web.port), 30) as client:
        for piece in pieces:
            client.sendall(piece)
        received = b""
        while more := client.recv(65_536):
            received += more
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), body


def test_a_large_body_is_refused_before_a_byte_of_it_is_sent(web: Web) -> None:
    status, body = said(web, POST + b"Content-Length: 200000000\r\n\r\n")
    assert (status, json.loads(body)["code"]) == (413, "too_large")


def test_a_large_body_without_a_length_is_cut_while_it_comes(web: Web) -> None:
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    # 17 of these are more than is read.
    status, body = said(web, POST + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 17)
    assert (status, json.loads(body)["code"]) == (413, "too_large")


def test_a_body_that_stops_half_way_is_given_up(web: Web) -> None:
    status, body = said(web, POST + b'Content-Length: 100\r\n\r\n{"name": ')
    assert (status, json.loads(body)["code"]) == (408, "too_slow")


@pytest.mark.parametrize("text", [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: b"])
def test_headers_that_never_end_are_given_up(web: Web, text: bytes) -> None:
    assert said(web, text) == (408, b"")


def test_headers_of_a_second_request_that_never_end_are_given_up(web: Web) -> None:
    with socket.create_connection(("127.0.0.1", web.port), 30) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        received = client.recv(65_536)
        assert received.startswith(b"HTTP/1.1 200")
        client.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        while more := client.recv(65_536):
            received += more
    assert b"HTTP/1.1 408" in received


def test_a_socket_and_a_stream_stay_open_for_longer_than_headers_may_take(web: Web) -> None:
    task = a_task(a_schedule())
    with (
        web.watch(f"/ws/tasks/{task.pk}/") as client,
        web.stream(f"/api/tasks/{task.pk}/events/") as events,
    ):
        assert message(client)["event"] == int(next(events)[0]) == 1
        # Longer than the patience of this server, by the same server's clock.
        assert said(web) == (408, b"")
        web.post("/api/tasks/", {"name": "another"})
        client.ping().wait(30)
        assert web.status(f"/api/tasks/{task.pk}/", {}) == 200
