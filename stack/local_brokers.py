"""`up --broker redis|rabbitmq`: a broker from the programs of this machine, private to one folder and on free ports."""

from __future__ import annotations

import shutil
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack.arguments import LocalBrokerKind
from stack.failure import StackError
from stack.processes import Process
from stack.readiness import AnswersAmqp, AnswersPing

_HOST: Final = "127.0.0.1"
# Debian's wrapper in PATH insists on its own folders and user; this is the script it calls.
_RABBITMQ: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
# The disk alarm would stop every publisher of a machine that is nearly full.
_RABBITMQ_CONF: Final = (
    "disk_free_limit.absolute = 50MB\nlog.console = true\nlog.console.level = warning\nlog.file = false\n"
)


@dataclass(frozen=True, slots=True)
class LocalBroker:
    """Which broker, and its three ports: its own, and for RabbitMQ those of the Erlang machine and its port mapper."""

    kind: LocalBrokerKind
    ports: tuple[int, int, int]

    @property
    def url(self) -> str:
        """What BROKER_URL becomes. RabbitMQ lets `guest` in from this machine only."""
        port = self.ports[0]
        return f"redis://{_HOST}:{port}/0" if self.kind == "redis" else f"amqp://guest:guest@{_HOST}:{port}//"

    def processes(self, var: Path) -> list[Process]:
        """How it runs, with its data below `var`. Raises StackError where its programs are not installed."""
        return self._redis(var / "redis") if self.kind == "redis" else self._rabbitmq(var / "rabbitmq")

    def prepare(self, var: Path) -> None:
        """Make its folder and what it reads there."""
        folder = var / self.kind
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.kind == "rabbitmq":
            (folder / "rabbitmq.conf").write_text(_RABBITMQ_CONF, encoding="ascii")
            (folder / "enabled_plugins").write_text("[].\n", encoding="ascii")

    def _redis(self, folder: Path) -> list[Process]:
        listen = ("--bind", _HOST, "--port", str(self.ports[0]), "--dir", str(folder))
        keep = ("--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction")
        command = (_program("redis-server"), *listen, *keep, "--loglevel", "warning")
        return [Process("broker", command, ready=AnswersPing(_HOST, self.ports[0]))]

    def _rabbitmq(self, folder: Path) -> list[Process]:
        if not _RABBITMQ.exists():
            raise _missing("rabbitmq-server")
        port, distribution, mapper = map(str, self.ports)
        environment = {
            "HOME": str(folder),
            "ERL_EPMD_PORT": mapper,
            "ERL_EPMD_ADDRESS": _HOST,
            "RABBITMQ_NODENAME": "tandem@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": _HOST,
            "RABBITMQ_NODE_PORT": port,
            "RABBITMQ_DIST_PORT": distribution,
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            # The script then becomes the Erlang machine instead of staying as its parent: signals reach the broker.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
        return [
            # In the foreground and ours: the one that Erlang starts by itself is a daemon that outlives the broker.
            Process("epmd", (_program("epmd"), "-port", mapper, "-address", _HOST)),
            Process("broker", (str(_RABBITMQ),), ready=AnswersAmqp(_HOST, self.ports[0]), env=environment),
        ]


def chosen(kind: LocalBrokerKind) -> LocalBroker:
    """A broker of this kind on ports that are free now."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server((_HOST, 0))) for _ in range(3)]
        first, second, third = (int(probe.getsockname()[1]) for probe in probes)
    return LocalBroker(kind, (first, second, third))


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/local/sbin:/usr/sbin:/sbin")
    if found is None:
        raise _missing({"epmd": "rabbitmq-server"}.get(name, name))
    return found


def _missing(package: str) -> StackError:
    return StackError(
        f"{package} is not installed (Debian: apt-get install {package}); leave --broker out to need none."
    )
