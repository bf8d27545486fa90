"""A real broker at the address that the tests' Celery settings name."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.test import override_settings
from kombu import pools

from backends.queue.app import app
from settings.brokers import broker_priorities, celery_settings, publish_options, step_seconds
from tests.servers.redis_like import ValkeyServer


def stored_messages(client: redis.Redis) -> list[tuple[dict[str, Any], list[Any]]]:
    """Headers and arguments of the messages in the queue: `whole_messages`."""
    return [
        (message["headers"], json.loads(base64.b64decode(message["body"]))[0]) for message in whole_messages(client)
    ]


def whole_messages(client: redis.Redis) -> list[dict[str, Any]]:
    """The messages in the queue, as kombu's Redis transport stores them.

    By priority, which is a list each; within one the oldest first.
    """
    lists: Any = client.keys("tandem:tandem*")
    stored: list[Any] = [client.lrange(key, 0, -1) for key in sorted(lists)]
    return [json.loads(message) for messages in stored for message in reversed(messages)]


class Broker:
    """A running broker, and the messages in its queue."""

    def __init__(self, server: ValkeyServer) -> None:
        self.server = server

    def messages(self) -> list[tuple[str, list[Any]]]:
        """The Celery task's name and the arguments of each message, oldest first. The messages stay in the queue."""
        with self._client() as client:
            return [(headers["task"], arguments) for headers, arguments in stored_messages(client)]

    def stored(self) -> list[dict[str, Any]]:
        """Each message with everything that the broker keeps of it, oldest first. They stay in the queue."""
        with self._client() as client:
            return whole_messages(client)

    def set_memory_limit(self, limit: str) -> None:
        """Set the memory, in bytes, above which the broker refuses messages (noeviction)."""
        with self._client() as client:
            client.config_set("maxmemory", limit)

    def _client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.server.folder / "valkey.sock"))


@contextmanager
def embedded_broker() -> Iterator[Broker]:
    """Run Valkey on BROKER_SOCKET inside the block."""
    socket = Path(settings.BROKER_SOCKET)
    with ValkeyServer("--maxmemory-policy", "noeviction") as server:
        socket.symlink_to(server.folder / "valkey.sock")
        try:
            yield Broker(server)
        finally:
            socket.unlink()
            forget_connections()


def forget_connections() -> None:
    """Close the application's connections to a broker that is gone."""
    pools.reset()
    # The pools it holds are closed now: it makes new ones, as after a fork.
    app._after_fork()  # type: ignore[attr-defined]  # what Celery itself calls; celery-types leaves it out


@contextmanager
def application_on(url: str, **wanted: Any) -> Iterator[None]:
    """The Celery application as settings would have it for the BROKER_URL `url`; `wanted` goes to celery_settings."""
    made = celery_settings(url, socket=Path(settings.BROKER_SOCKET), **wanted)
    before = {name: app.conf[name] for name in made}
    publishing = {
        "TANDEM_PUBLISH_OPTIONS": publish_options(url),
        "TANDEM_PUBLISH_SECONDS": step_seconds(url),
        "TANDEM_BROKER_PRIORITIES": broker_priorities(url),
    }
    with override_settings(**publishing):
        _use(made)
        try:
            yield
        finally:
            _use(before)


def _use(conf: dict[str, Any]) -> None:
    app.conf.update(conf)
    # It keeps the queues of the broker before.
    app.__dict__.pop("amqp", None)
    forget_connections()
