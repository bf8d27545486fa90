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
_LINES: tuple[str, ...] = (
    # The disk alarm would stop every publisher of a machine that is nearly full.
    "disk_free_limit.absolute = 1MB",
    "log.console = true",
    "log.console.level = warning",
    "log.file = false",
    # A node that sees fewer than half of its cluster serves nobody.
    "cluster_partition_handling = pause_minority",
)


class RabbitServer(Server):
    """RabbitMQ on a loopback port; user `guest`, virtual host `/`. What is durable survives `kill` and `start`.

    The process is the Erlang machine itself, so that signals reach the broker.
    """

    def __init__(self, *, joins: RabbitServer | None = None) -> None:
        """With `joins`, the node becomes one of the cluster of this other one, which must run and outlive it."""
        super().__init__()
        self._first = joins or self
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
        lines = _LINES
        if self._first is not self:
            self._epmd_port = self._first._epmd_port
            self._take_cookie()
            nodes = (self._first._node, self._node)
            lines += ("cluster_formation.peer_discovery_backend = classic_config",)
            lines += tuple(f"cluster_formation.classic_config.nodes.{i} = {node}" for i, node in enumerate(nodes, 1))
        (self.folder / "rabbitmq.conf").write_text("\n".join([*lines, ""]))
        (self.folder / "enabled_plugins").write_text("[].\n")

    def start(self) -> None:
        # Started by us and in the foreground: the one that Erlang starts by itself is a daemon that outlives the node.
        if self._epmd is None and self._first is self:
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
        # A node tells its own name unless the cluster has been given one: somebody else's server has another.
        try:
            with amqp.Connection(f"127.0.0.1:{self.port}", connect_timeout=_CONNECT_SECONDS) as connection:
                properties: dict[str, object] = vars(connection)["server_properties"]
                return str(properties["cluster_name"]).startswith(f"tandem-{self.port}@")
        except (OSError, amqp.AMQPError):
            return False

    def control(self, *words: str) -> str:
        """What `rabbitmqctl --quiet` prints. It starts an Erlang machine, which takes a second or two."""
        variables = [f"{name}={value}" for name, value in self._variables().items()]
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [needed("env"), *variables, str(_SCRIPT.with_name("rabbitmqctl")), "--quiet", *words],
            check=True,
            capture_output=True,
            text=True,
            cwd=self.folder,
            **identity(self.user()),
        )
        return done.stdout

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

    def _take_cookie(self) -> None:
        """Nodes talk only to those with the same cookie (cluster-formation in RabbitMQ's documentation)."""
        name = ".erlang.cookie"
        user = self.user()
        cookie = self.folder / name
        cookie.write_text((self._first.folder / name).read_text())
        cookie.chmod(0o400)
        if user is not None:
            os.chown(cookie, user.pw_uid, user.pw_gid)

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)

    def _end_epmd(self) -> None:
        epmd, self._epmd = self._epmd, None
        if epmd is not None:
            epmd.kill()
            epmd.wait()
