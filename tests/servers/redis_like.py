"""Private servers that speak Redis' protocol: Redis itself, and the Valkey of the embedded broker."""

from __future__ import annotations

import redis

from stack.valkey import valkey_server
from tests.servers.server import Server, needed


class _RedisProtocol(Server):
    def __init__(self, *options: str) -> None:
        """`options` are added to the command line (`"--appendonly", "yes"`)."""
        super().__init__()
        self._options = options

    def answers(self) -> bool:
        client = redis.Redis.from_url(self._client_url, socket_timeout=1, decode_responses=True)
        try:
            # The folder tells our server from somebody else's that took the port meanwhile.
            return client.config_get("dir") == {"dir": str(self.folder)}
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        finally:
            client.close()

    @property
    def _client_url(self) -> str:
        return self.url

    def _arguments(self) -> list[str]:
        return ["--dir", str(self.folder), "--save", "", *self._options]


class RedisServer(_RedisProtocol):
    """Redis on a loopback port, without persistence unless `options` ask for it."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        return [needed("redis-server"), "--bind", "127.0.0.1", "--port", str(self.port), *self._arguments()]


class ValkeyServer(_RedisProtocol):
    """Valkey on a unix socket, as the embedded broker runs it; `url` is what BROKER_URL takes."""

    @property
    def url(self) -> str:
        return f"redis+socket://{self.folder}/valkey.sock?virtual_host=0"

    def command(self) -> list[str]:
        listen = ["--port", "0", "--unixsocket", str(self.folder / "valkey.sock"), "--unixsocketperm", "700"]
        return [str(valkey_server()), *listen, *self._arguments()]

    @property
    def _client_url(self) -> str:
        return f"unix://{self.folder}/valkey.sock"
