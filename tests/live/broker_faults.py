"""Faults of a broker: the same methods for Redis and RabbitMQ."""

from __future__ import annotations

import os
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import amqp
import redis

from tests.servers.rabbitmq import RabbitServer
from tests.servers.redis_like import RedisServer, ValkeyServer
from tests.servers.server import Server

QUEUE = "tandem"
# Those that tests use.
QUEUES = (QUEUE, "reports")


class Broker(ABC):
    """A broker whose faults are context managers. At the end of a block the broker works again."""

    def __init__(self, server: Server) -> None:
        self.server = server

    @property
    def url(self) -> str:
        return self.server.url

    def url_through(self, port: int) -> str:
        """The broker's URL with another port of this machine."""
        return self.url.replace(f":{self.server.port}/", f":{port}/")

    @abstractmethod
    def waiting(self, queue: str = QUEUE) -> int:
        """How many messages wait in the queue."""

    @abstractmethod
    def empty(self, queue: str = "") -> None:
        """Delete the messages of the queue, or of all queues."""

    @abstractmethod
    def forget(self) -> None:
        """Delete the broker's data on disk. The broker must not be running."""

    @abstractmethod
    @contextmanager
    def full(self) -> Iterator[None]:
        """Inside the block the broker's memory is full, and it refuses messages."""

    @contextmanager
    def killed(self, *, keeps_data: bool) -> Iterator[None]:
        """Kill the broker, and start it again at the end of the block, with or without its data."""
        self.server.kill()
        if not keeps_data:
            self.forget()
        try:
            yield
        finally:
            self.server.start()

    @contextmanager
    def hung(self) -> Iterator[None]:
        """Inside the block the broker accepts connections and never answers."""
        process = self.server.process
        assert process is not None
        os.killpg(process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGCONT)


class RedisBroker(Broker):
    """Redis, or the Valkey of the embedded default, that writes every command to disk before it answers."""

    @property
    def client_url(self) -> str:
        """The address as redis-py takes it."""
        assert isinstance(self.server, RedisServer | ValkeyServer)
        return self.server._client_url

    def waiting(self, queue: str = QUEUE) -> int:
        with redis.Redis.from_url(self.client_url) as client:
            names = client.keys(f"tandem:{queue}*")
            assert isinstance(names, list)
            return sum(int(str(client.llen(name))) for name in names)

    def empty(self, queue: str = "") -> None:
        with redis.Redis.from_url(self.client_url) as client:
            if not queue:
                client.flushall()
                return
            names = client.keys(f"tandem:{queue}*")
            assert isinstance(names, list)
            for name in names:
                client.delete(name)

    def forget(self) -> None:
        for path in self.server.folder.glob("append*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    @contextmanager
    def full(self) -> Iterator[None]:
        with redis.Redis.from_url(self.client_url) as client:
            client.config_set("maxmemory", "1")
            try:
                yield
            finally:
                client.config_set("maxmemory", "0")


class RabbitBroker(Broker):
    """RabbitMQ with the durable queues of QUEUES."""

    def waiting(self, queue: str = QUEUE) -> int:
        with amqp.Connection(f"127.0.0.1:{self.server.port}") as connection:
            channel = connection.channel()
            try:
                declared: Any = channel.queue_declare(queue, passive=True)
                return int(declared.message_count)
            except amqp.NotFound:
                return 0

    def empty(self, queue: str = "") -> None:
        with amqp.Connection(f"127.0.0.1:{self.server.port}") as connection:
            for name in [queue] if queue else QUEUES:
                # A queue that is not there is an error, and RabbitMQ closes the channel.
                with suppress(amqp.NotFound):
                    connection.channel().queue_purge(name)

    def forget(self) -> None:
        shutil.rmtree(self.server.folder / "mnesia")

    @contextmanager
    def full(self) -> Iterator[None]:
        self._limit_memory("0")
        try:
            yield
        finally:
            self._limit_memory("0.8")

    def _limit_memory(self, share: str) -> None:
        assert isinstance(self.server, RabbitServer)
        self.server.control("set_vm_memory_high_watermark", share)


def broker_of(kind: str) -> Broker:
    """A broker that is not running yet: `redis` or `rabbitmq`."""
    if kind == "rabbitmq":
        return RabbitBroker(RabbitServer())
    return RedisBroker(
        RedisServer("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")
    )
