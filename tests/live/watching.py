"""A real web server, and clients that follow live status on it."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from celery import Celery
from django.contrib.auth.models import User
from kombu import Producer
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from backends.queue.notifier import EXCHANGE
from settings.brokers import celery_settings
from tests.live.installation import Installation, Process
from tests.servers.server import free_port
from tests.tokens import token_for

# How long an answer is waited for. A busy machine takes its time.
SECONDS = 90.0

Json = dict[str, Any]


class Web:
    """uvicorn with a user whose token is `token`: a new one, unless a `user` is given."""

    def __init__(self, installation: Installation, *, user: User | None = None, **variables: str) -> None:
        self.port = free_port()
        self.user = user or User.objects.create_superuser(f"user{self.port}")
        self.token = token_for(self.user)
        self._installation, self._variables = installation, variables
        self.process: Process
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        listen = ["--host", "127.0.0.1", "--port", str(self.port), "--timeout-graceful-shutdown", "1"]
        listen += ["--http", "api.limits.slow_headers:Patient"]
        command = ("-m", "uvicorn", "settings.asgi:application", *listen)
        self.process = self._installation.start(*command, **self._variables)
        self._installation.until(self._answers)

    def restart(self) -> None:
        """Kill the server, and start it again on the same port."""
        self.process.kill()
        self.start()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def watch(self, path: str, headers: dict[str, str] | None = None, **options: Any) -> ClientConnection:
        """A stock WebSocket client, connected."""
        address = f"ws://127.0.0.1:{self.port}{path}"
        sent = self.headers if headers is None else headers
        client: ClientConnection = connect(address, additional_headers=sent, open_timeout=SECONDS, **options)
        return client

    def close_code(self, path: str, headers: dict[str, str] | None = None) -> int | None:
        """The code with which the server closes a socket that it refuses."""
        with self.watch(path, headers) as client:
            return last_words(client)

    def post(self, path: str, body: Json) -> Json:
        """What the API answers to a POST that it accepts."""
        status, answer = self.answer(path, body)
        assert status < 300, answer
        return answer

    def answer(self, path: str, body: Json, *, patience: float = SECONDS) -> tuple[int, Json]:
        """The status and the body of the answer to a POST, which is waited for `patience` seconds."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)) as connection:
            connection.request("POST", path, json.dumps(body), self.headers | {"Content-Type": "application/json"})
            response = connection.getresponse()
            answer: Json = json.loads(response.read())
        return response.status, answer

    def status(self, path: str, headers: dict[str, str]) -> int:
        """The status of the answer to a GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        connection.request("GET", path, headers=self.headers | headers)
        status = connection.getresponse().status
        connection.close()
        return status

    @contextmanager
    def stream(self, path: str, headers: dict[str, str] | None = None) -> Iterator[Iterator[tuple[str, Json]]]:
        """The (id, data) of server-sent events, as they arrive."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        connection.request("GET", path, headers=self.headers | {"Accept": "text/event-stream"} | (headers or {}))
        response = connection.getresponse()
        assert (response.status, response.headers["Content-Type"]) == (200, "text/event-stream")
        try:
            yield _events(response)
        finally:
            connection.close()
            response.close()

    def resident_bytes(self) -> int:
        """The resident memory of the server's process, in bytes."""
        with open(f"/proc/{self.process.popen.pid}/statm", encoding="ascii") as file:  # noqa: PTH123 - not a file
            return int(file.read().split()[1]) * 4096

    def threads(self) -> int:
        """How many threads the server's process has."""
        return len(os.listdir(f"/proc/{self.process.popen.pid}/task"))  # noqa: PTH208 - a count, not paths

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except ConnectionRefusedError:
            return False
        return True


def message(client: ClientConnection) -> Json:
    """The next message."""
    received: Json = json.loads(client.recv(SECONDS))
    return received


def messages_until(client: ClientConnection, status: str) -> list[Json]:
    """All messages up to the first with this status."""
    received = [message(client)]
    while received[-1]["status"] != status:
        received.append(message(client))
    return received


@contextmanager
def notifier_of(installation: Installation) -> Iterator[Callable[[], None]]:
    """Notifies of all tasks. Needed because a test that writes to the ledger itself notifies another broker."""
    with Celery("notify", set_as_current=False) as app:
        app.config_from_object(celery_settings(installation.broker_url, socket=installation.folder / "unused"))
        with app.connection_for_write() as connection:
            producer = Producer(connection, exchange=EXCHANGE)
            yield lambda: producer.publish({"tasks": []}, routing_key="")


def last_words(client: ClientConnection) -> int | None:
    """Read to the end. Returns the code with which the server closed the socket."""
    try:
        while True:
            client.recv(SECONDS)
    except ConnectionClosed as exc:
        return exc.rcvd.code if exc.rcvd else None


def _events(response: http.client.HTTPResponse) -> Iterator[tuple[str, Json]]:
    number = ""
    for line in response:
        name, _, value = line.decode().rstrip("\n").partition(": ")
        if name == "id":
            number = value
        elif name == "data":
            yield number, json.loads(value)
