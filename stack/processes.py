"""What runs in development: settings in, an ordered list of processes out. Pure."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from stack.failure import StackError
from stack.readiness import AnswersHttp, AnswersPing, Ready

# sun_path in unix(7) holds 108 bytes; macOS has 104, the closing zero included.
_SOCKET_PATH_BYTES: Final = 104
_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised here, not bound


@dataclass(frozen=True, slots=True)
class Process:
    """One process: how it is started, how it shows that it is ready, and how it is asked to stop.

    One that is `watched` is started again when nothing listens any more where it was ready.
    """

    name: str
    argv: tuple[str, ...]
    ready: Ready | None = None
    watched: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    grace_seconds: float = 10.0
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The settings that decide what runs.

    `broker_program` is the Valkey server, None unless the broker is the embedded one; `crontab` is
    TANDEM_CRONTAB; `unique` sets this worker's name apart: RabbitMQ refuses a second one of the same name.
    """

    python: str
    manage: Path
    var: Path
    broker_program: Path | None
    broker_socket: Path
    crontab: str
    host: str
    port: int
    unique: str


def broker(around: Surroundings) -> list[Process]:
    """The embedded broker, or nothing where BROKER_URL names a server of its own.

    Raises StackError when the path of its socket is longer than the system allows.
    """
    if around.broker_program is None:
        return []
    if len(str(around.broker_socket).encode()) >= _SOCKET_PATH_BYTES:
        raise StackError(
            f"The broker's socket would be {around.broker_socket}, and a socket's path must be shorter than "
            f"{_SOCKET_PATH_BYTES} bytes: set TANDEM_VAR to a folder with a shorter path."
        )
    arguments = {
        "--port": "0",
        "--unixsocket": str(around.broker_socket),
        "--unixsocketperm": "700",
        "--dir": str(broker_folder(around.var)),
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--save": "",
        "--maxmemory-policy": "noeviction",
        "--loglevel": "warning",
    }
    flat = tuple(word for pair in arguments.items() for word in pair)
    return [
        Process("broker", (str(around.broker_program), *flat), ready=AnswersPing(around.broker_socket), watched=True),
    ]


def broker_folder(var: Path) -> Path:
    """Where the embedded broker keeps its append-only file."""
    return var / "broker"


def services(around: Surroundings) -> list[Process]:
    """Everything that needs the broker and the migrated database, in the order it is started."""
    # --quiet: no banner.
    celery = (around.python, "-m", "celery", "--quiet", "-A", "settings.celery")
    return [
        Process("web", _web(around), ready=AnswersHttp(_reachable(around.host), around.port)),
        Process(
            "worker",
            # It is the only one: it need not look for others when it starts, nor listen to them.
            (*celery, "worker", "-n", f"worker-{around.unique}@%h", "--without-mingle", "--without-gossip"),
            # Longer than worker_soft_shutdown_timeout: the worker itself decides what to cut off.
            grace_seconds=30.0,
        ),
        Process("beat", (around.python, "manage.py", "beat")),
        *_cron(around),
    ]


def _web(around: Surroundings) -> tuple[str, ...]:
    listen = ("--host", around.host, "--port", str(around.port))
    return (
        around.python,
        "-m",
        "uvicorn",
        "settings.asgi:application",
        *listen,
        "--timeout-graceful-shutdown",
        "5",
        "--http",
        "api.limits.slow_headers:Patient",
        # Status messages are small: compressing each costs more than it saves. What clients send is smaller still.
        "--ws-per-message-deflate",
        "false",
        "--ws-max-size",
        "65536",
    )


def _cron(around: Surroundings) -> list[Process]:
    command = {"file": "cron_runner", "user": "crontab_agent"}.get(around.crontab.partition(":")[0])
    if command is None:
        return []
    # It waits up to 10 s for the commands it has started.
    return [Process("cron", (around.python, str(around.manage), command), grace_seconds=25.0)]


def _reachable(host: str) -> str:
    return _ANY_ADDRESS.get(host, host)
