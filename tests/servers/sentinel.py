"""Redis with two replicas, watched by three sentinels, each a process on loopback."""

from __future__ import annotations

import secrets
from contextlib import ExitStack, suppress
from typing import Any, Final, Self

import redis

from tests.servers.redis_like import RedisServer
from tests.servers.server import needed, until_true

SERVICE: Final = "tandem-broker"
PASSWORD: Final = "a-password-of-redis"
# A primary that is silent for so long is given up; Redis' default is 30,000.
_DOWN_AFTER_MILLISECONDS: Final = 2_000
_NODES: Final = 3


class RedisNode(RedisServer):
    """A Redis with a password, and with the files that a primary should have."""

    def __init__(self, *options: str) -> None:
        kept = ("--appendonly", "yes", "--maxmemory-policy", "noeviction", "--repl-diskless-sync-delay", "0")
        super().__init__("--requirepass", PASSWORD, "--masterauth", PASSWORD, *kept, *options)

    @property
    def url(self) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def said(self) -> dict[str, Any]:
        """What the node tells of its replication (INFO replication)."""
        with redis.Redis.from_url(self.url, socket_timeout=1) as client:
            told: Any = client.info("replication")
            return dict(told)


class RedisSentinel(RedisServer):
    """A sentinel that watches the primary at `port`."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._watched, self._id = port, secrets.token_hex(20)

    def prepare(self) -> None:
        watched = {
            "monitor": f"{SERVICE} 127.0.0.1 {self._watched} {_NODES // 2 + 1}",
            "auth-pass": f"{SERVICE} {PASSWORD}",
            "down-after-milliseconds": f"{SERVICE} {_DOWN_AFTER_MILLISECONDS}",
            # Seconds between two tries of a failover are twice as many.
            "failover-timeout": f"{SERVICE} 5000",
            "myid": self._id,
        }
        lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}"]
        lines += [f"sentinel {name} {value}" for name, value in watched.items()]
        # Sentinel keeps what it learns in this file.
        (self.folder / "sentinel.conf").write_text("\n".join([*lines, ""]))

    def command(self) -> list[str]:
        return [needed("redis-server"), str(self.folder / "sentinel.conf"), "--sentinel"]

    def answers(self) -> bool:
        with suppress(redis.ConnectionError, redis.TimeoutError):
            return str(self.asked("MYID")) == self._id
        return False

    def asked(self, *words: str) -> Any:
        """The answer to a command SENTINEL."""
        with redis.Redis(port=self.port, socket_timeout=1, decode_responses=True) as client:
            # Its own parser of answers would need one for each command.
            client.response_callbacks.clear()
            return client.execute_command("SENTINEL", *words)


class SentinelGroup:
    """Three nodes of Redis, one of them the primary, and three sentinels, inside the block."""

    def __init__(self) -> None:
        self.nodes: list[RedisNode] = []
        self.sentinels: list[RedisSentinel] = []
        self._running = ExitStack()

    @property
    def url(self) -> str:
        """The address as BROKER_URL takes it."""
        hosts = ";".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"sentinel://:{PASSWORD}@{hosts}/{SERVICE}"

    @property
    def primary(self) -> RedisNode:
        """The node that most sentinels take for the primary."""
        ports = [int(sentinel.asked("GET-MASTER-ADDR-BY-NAME", SERVICE)[1]) for sentinel in self.sentinels]
        return next(node for node in self.nodes if ports.count(node.port) > len(ports) // 2)

    def __enter__(self) -> Self:
        try:
            self.nodes = [self._running.enter_context(RedisNode())]
            first = self.nodes[0].port
            for _ in range(_NODES - 1):
                replica = RedisNode("--replicaof", f"127.0.0.1 {first}")
                self.nodes.append(self._running.enter_context(replica))
            self.sentinels = [self._running.enter_context(RedisSentinel(first)) for _ in range(_NODES)]
            until_true(self.whole, "the sentinels did not find each other")
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def whole(self) -> bool:
        """Whether all nodes run, the replicas have what the primary has, and all sentinels know all of them."""
        try:
            said = self.primary.said()
        except (StopIteration, redis.ConnectionError, redis.TimeoutError):
            return False
        replicas = [said.get(f"slave{number}", {}).get("state") for number in range(_NODES - 1)]
        return replicas == ["online"] * (_NODES - 1) and all(
            len(sentinel.asked(what, SERVICE)) == _NODES - 1
            for sentinel in self.sentinels
            for what in ("SENTINELS", "REPLICAS")
        )
