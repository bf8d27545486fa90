"""A private RabbitMQ: one node with a name, a port, folders and a port mapper (epmd) of its own."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from pathlib import Path

import amqp

from stack.parent_death import die_with_parent
from tests.servers.server import Server, ServerError, free_port, identity, needed

# The script itself: Debian's wrapper in PATH insists on its own folders and user.
_SCRIPT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_CONNECT_SECONDS = 2.0


class RabbitServer(Server):
    """RabbitMQ on a loopback port; user `guest`, virtual host `/`. What is durable survives `kill` and `start`.

    The process is the Erlang machine itself, so that signals reach the broker.
    """

    def __init__(self) -> None:
        super().__init__()
        self._epmd: subprocess.Popen[bytes] | None = None
        self._epmd_port = 0
        self._distribution_port = 0

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def user(self) -> pwd.struct_passwd | None:
        """Root's own Erlang cookie is left alone."""
        return pwd.getpwnam("rabbitmq") if os.geteuid() == 0 else None

    def prepare(self) -> None:
        self._epmd_port, self._distribution_port = free_port(), free_port()
        (self.folder / "rabbitmq.conf").write_text(
            # The disk alarm would stop every publisher of a machine that is nearly full.
            "disk_free_limit.absolute = 1MB\nlog.console = true\nlog.console.level = warning\nlog.file = false\n"
        )
        (self.folder / "enabled_plugins").write_text("[].\n")

    def start(self) -> None:
        # Started by us and in the foreground: the one that Erlang starts by itself is a daemon that outlives the node.
        if self._epmd is None:
            self._epmd = subprocess.Popen(
                [needed("epmd"), "-port", str(self._epmd_port), "-address", "127.0.0.1"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - set up before the fork; a killed test run leaves none
                **identity(self.user()),
            )
        try:
            super().start()
        except ServerError:
            self._end_epmd()
            raise

    def command(self) -> list[str]:
        if not _SCRIPT.exists():
            raise ServerError("rabbitmq-server is not installed.")
        return [needed("env"), *(f"{name}={value}" for name, value in self._variables().items()), str(_SCRIPT)]

    def answers(self) -> bool:
        # A cluster is called after its first node: somebody else's server at this port has another name.
        try:
            with amqp.Connection(f"127.0.0.1:{self.port}", connect_timeout=_CONNECT_SECONDS) as connection:
                properties: dict[str, object] = vars(connection)["server_properties"]
                return str(properties["cluster_name"]).startswith(f"tandem-{self.port}@")
        except (OSError, amqp.AMQPError):
            return False

    def pause(self) -> None:
        """Stop the process: the kernel accepts connections, and the broker never answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End a `pause`."""
        self._signal(signal.SIGCONT)

    def __exit__(self, *exc: object) -> None:
        try:
            super().__exit__(*exc)
        finally:
            self._end_epmd()

    @property
    def _node(self) -> str:
        return f"tandem-{self.port}@localhost"

    def _variables(self) -> dict[str, str]:
        at, folder = "RABBITMQ_", str(self.folder)
        return {
            "HOME": folder,
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            f"{at}NODENAME": self._node,
            f"{at}NODE_IP_ADDRESS": "127.0.0.1",
            f"{at}NODE_PORT": str(self.port),
            f"{at}DIST_PORT": str(self._distribution_port),
            f"{at}CONFIG_FILE": f"{folder}/rabbitmq",
            f"{at}ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            f"{at}MNESIA_BASE": f"{folder}/mnesia",
            f"{at}LOG_BASE": f"{folder}/log",
            f"{at}PID_FILE": f"{folder}/pid",
            f"{at}CONF_ENV_FILE": f"{folder}/none",
            # The script then becomes the Erlang machine instead of staying as its parent.
            "RUNNING_UNDER_SYSTEMD": "true",
            # Two schedulers wake up less than one for each of many processors.
            f"{at}SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none",
        }

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)

    def _end_epmd(self) -> None:
        epmd, self._epmd = self._epmd, None
        if epmd is not None:
            epmd.kill()
            epmd.wait()
