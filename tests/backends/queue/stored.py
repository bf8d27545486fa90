"""The messages that a broker holds, with everything it keeps of each."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import amqp
import redis

from tests.servers.rabbitmq import RabbitServer
from tests.servers.server import Server

# What differs from message to message: the end of its id, and the number that kombu gives to each delivery.
_OWN = re.compile(r"(task-[0-9]+-attempt-[0-9]+)-[0-9a-f]{8}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def take_all(server: Server, *queues: str) -> list[Any]:
    """Take every message out of the broker, oldest first, with its own ids made alike."""
    found = _of_rabbitmq(server, queues) if isinstance(server, RabbitServer) else _of_redis(server)
    return [_alike(message) for message in found]


def _alike(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _alike(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_alike(each) for each in value]
    return _OWN.sub(r"\1", value) if isinstance(value, str) else value


def _of_redis(server: Server) -> list[Any]:
    """The key of each message, and what kombu has stored there, with its body decoded."""
    found: list[Any] = []
    with redis.Redis.from_url(server._client_url, decode_responses=True) as client:  # type: ignore[attr-defined]  # both servers have it
        names: Any = client.keys("*")
        for key in sorted(name for name in names if client.type(name) == "list"):
            stored: Any = client.lrange(key, 0, -1)
            client.delete(key)
            for message in map(json.loads, reversed(stored)):
                body = base64.b64decode(message["body"]).decode()
                found.append({"key": key, **message, "body": body})
    return found


def _of_rabbitmq(server: Server, queues: tuple[str, ...]) -> list[Any]:
    """The properties of each message, its body, and where it was sent."""
    found: list[Any] = []
    with amqp.Connection(f"127.0.0.1:{server.port}") as connection:
        channel = connection.channel()
        for queue in queues:
            while (message := channel.basic_get(queue, no_ack=True)) is not None:
                info = {name: message.delivery_info[name] for name in ("exchange", "routing_key", "redelivered")}
                found.append({"queue": queue, "properties": message.properties, "body": message.body, **info})
    return found
