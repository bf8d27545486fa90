"""Run the services of the compose files without containers: same commands and variables, private paths and ports."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stack.parent_death import die_with_parent
from tests.deployment.tools import ROOT, configuration
from tests.servers.rabbitmq import RabbitServer
from tests.servers.server import Server, end_group, identity, needed
from tests.warm import processes as warm

PATIENCE_SECONDS = 60.0
# What the Dockerfile sets and the commands need.
OF_THE_IMAGE = {"DJANGO_SETTINGS_MODULE": "settings.production"}


class Outside:
    """The services of one compose file. `folder` holds the secrets and stands in for the containers' paths.

    `ports` says which port is used in place of a container's own.
    """

    def __init__(self, broker: str, folder: Path) -> None:
        self.services: dict[str, dict[str, Any]] = configuration(broker, SECURE_SSL_REDIRECT="true")["services"]
        self.folder = folder
        self.secrets = folder / "secrets"
        self.ports: dict[str, int] = {}
        subprocess.run([ROOT / "docker/make-secrets", self.secrets], check=True, stdout=subprocess.DEVNULL)
        (folder / "files").mkdir()

    def keep(self, secret: str, value: str) -> None:
        """Replace a generated secret."""
        path = self.secrets / secret
        path.unlink(missing_ok=True)
        path.write_text(value)

    def words(self, words: list[str]) -> list[str]:
        """The words of a command for use outside the container. `python` becomes the Python that runs the tests."""
        changed = [self._changed(word) for word in words]
        return [sys.executable if word == "python" else word for word in changed]

    def variables(self, service: str) -> dict[str, str]:
        """The whole environment of the service's process."""
        given = {name: self._changed(value) for name, value in self.services[service]["environment"].items()}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        ours = {"PATH": path, "HOME": str(self.folder), "TANDEM_VAR": str(self.folder / "var")}
        return ours | OF_THE_IMAGE | given

    def once(self, service: str, words: list[str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the service's command, or other words, to the end."""
        program, *rest = self.words(words or self.services[service]["command"])
        if program == sys.executable:
            return warm.run(rest, self.variables(service), timeout=PATIENCE_SECONDS)
        return subprocess.run(
            [program, *rest],
            cwd=ROOT,
            env=self.variables(service),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    @contextmanager
    def running(self, service: str, **changes: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run the service's command as a process, and end it with its children. Its output is in the file `log_of`."""
        with self.log_of(service).open("ab") as log:
            process = subprocess.Popen(
                self.words(self.services[service]["command"]),
                cwd=ROOT,
                env=self.variables(service) | changes,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(),  # noqa: PLW1509 - set up before the fork; a killed test run leaves none
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            end_group(process.pid)

    def log_of(self, service: str) -> Path:
        return self.folder / f"{service}.log"

    def well(self, service: str) -> bool:
        """Whether the service's health check passes."""
        kind, *words = self.services[service]["healthcheck"]["test"]
        if kind == "CMD-SHELL":
            # `$$` is Compose's way to write a dollar sign.
            words = ["sh", "-c", words[0].replace("$$", "$")]
        return self.once(service, words).returncode == 0

    def until_well(self, service: str, process: subprocess.Popen[bytes]) -> None:
        """Wait until the health check passes."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.well(service):
            log = self.log_of(service).read_text(errors="replace")
            assert process.poll() is None, log
            assert time.monotonic() < deadline, log
            time.sleep(0.2)

    def until_said(self, service: str, text: str, *, times: int = 1) -> None:
        """Wait until the service has written `text` as often as that."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.log_of(service).read_text(errors="replace").count(text) < times:
            assert time.monotonic() < deadline, text
            time.sleep(0.05)

    def _changed(self, text: str) -> str:
        replaced = text.replace("/run/secrets", str(self.secrets)).replace("/srv/tandem", str(self.folder))
        for inside, outside in self.ports.items():
            replaced = replaced.replace(inside, str(outside))
        return replaced


def stopped(process: subprocess.Popen[bytes], *, number: int = signal.SIGTERM) -> int:
    """The exit code after the signal that `docker compose stop` sends."""
    process.send_signal(number)
    return process.wait(PATIENCE_SECONDS)


class Redis(Server):
    """Redis as docker-compose.redis.yml starts it; ready when its own health check says so."""

    def __init__(self, outside: Outside) -> None:
        super().__init__()
        self._outside = outside
        self._service = outside.services["broker"]

    @property
    def url(self) -> str:
        password = urlsplit((self._outside.secrets / "redis_url").read_text().strip()).password
        return f"redis://:{password}@127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        [program] = self._service["entrypoint"]
        given = self._outside.words(self._service["command"])
        words = [str(self.folder) if word == "/data" else word for word in given]
        return [needed(program), *words, "--bind", "127.0.0.1", "--port", str(self.port)]

    def answers(self) -> bool:
        [kind, text] = self._service["healthcheck"]["test"]
        assert kind == "CMD-SHELL"
        [script] = self._outside.words([text.replace("$$", "$")])
        here = script.replace("redis-cli", f"{shlex.quote(needed('redis-cli'))} -p {self.port}")
        return subprocess.run(["/bin/sh", "-c", here], capture_output=True, check=False).returncode == 0


class RabbitMQ(RabbitServer):
    """RabbitMQ with the configuration files that docker-compose.rabbitmq.yml gives it."""

    def __init__(self, outside: Outside) -> None:
        super().__init__()
        self._outside = outside
        self._service = outside.services["broker"]

    @property
    def url(self) -> str:
        made = urlsplit((self._outside.secrets / "rabbitmq_url").read_text().strip())
        return f"amqp://{made.username}:{made.password}@127.0.0.1:{self.port}//"

    def prepare(self) -> None:
        super().prepare()
        folder = self.folder / "conf.d"
        folder.mkdir()
        sources = {"rabbitmq_conf": ROOT / "docker/rabbitmq.conf"}
        sources |= {"rabbitmq_user_conf": self._outside.secrets / "rabbitmq_conf"}
        for use in (*self._service["configs"], *self._service["secrets"]):
            shutil.copy(sources[use["source"]], folder / Path(use["target"]).name)

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS).close()
        except OSError:
            return False
        return self.well()

    def well(self) -> bool:
        """Whether the health check passes; it asks the node of this name."""
        kind, program, *words = self._service["healthcheck"]["test"]
        assert kind == "CMD"
        script = Path("/usr/lib/rabbitmq/bin") / program
        done = subprocess.run(
            [script, "-n", self._node, *words],
            env={**os.environ, **self._variables()},
            cwd=self.folder,
            capture_output=True,
            check=False,
            **identity(self.user()),
        )
        return done.returncode == 0

    def _variables(self) -> dict[str, str]:
        given: Mapping[str, str] = super()._variables()
        return {**given, "RABBITMQ_CONFIG_FILES": f"{self.folder}/conf.d/*.conf"}
