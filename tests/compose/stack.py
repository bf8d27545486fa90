"""A stack that one of the compose files describes, started in a copy of the checkout by the commands of the pages."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stack.environment import Failure
from tests.compose.engine import Engine

PAGE: Final = "docs/deployment.md"
_LONGEST_SECONDS: Final = 240.0
# A command that asks a person something.
_ASKS: Final = "createsuperuser"


@dataclass(frozen=True, slots=True)
class Container:
    """One container: its name, its service, the state that Docker gives it and the health that it gives itself."""

    name: str
    service: str
    state: str
    health: str
    code: int


class Stack:
    """The stack of one broker. Compose is asked in `checkout`, in an environment with nothing but the engine."""

    def __init__(self, engine: Engine, checkout: Path, broker: str) -> None:
        self.engine, self.checkout, self.broker = engine, checkout, broker
        self.file = f"docker-compose.{broker}.yml"

    def started_as_the_page_says(self) -> str:
        """Run the commands below `## Start` of the page. Returns what the last one printed: the token."""
        said = ""
        for line in commands(self.checkout / PAGE, "Start"):
            if _ASKS not in line:
                said = self.shell(line.replace("docker-compose.redis.yml", self.file))
        self.until_well()
        return said.split()[-1]

    def shell(self, line: str) -> str:
        """Run a line of a page as its reader would. Raises Failure when it fails."""
        done = self._run(["sh", "-ec", line])
        if done.returncode:
            raise Failure(f"{line} failed:\n{done.stdout[-3000:]}{done.stderr[-6000:]}")
        return done.stdout

    def compose(self, *words: str) -> str:
        """What `docker compose WORDS` prints. Raises Failure when it fails."""
        done = self.asked(*words)
        if done.returncode:
            raise Failure(f"docker compose {' '.join(words)} failed:\n{done.stdout[-3000:]}{done.stderr[-6000:]}")
        return done.stdout

    def asked(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `docker compose WORDS`, whatever its exit code."""
        return self._run(["docker", "compose", "-f", self.file, *words])

    def manage(self, *words: str, service: str = "web") -> subprocess.CompletedProcess[str]:
        """Run `manage.py WORDS` in a container of the service."""
        return self.asked("exec", "-T", service, "python", "manage.py", *words)

    def containers(self, service: str = "") -> list[Container]:
        """All containers, or those of a service, ended ones too."""
        lines = self.compose("ps", "--all", "--format", "json").splitlines()
        found = [json.loads(line) for line in lines]
        every = [Container(one["Name"], one["Service"], one["State"], one["Health"], one["ExitCode"]) for one in found]
        return sorted((one for one in every if service in {"", one.service}), key=lambda one: one.name)

    def inspect(self, name: str) -> dict[str, Any]:
        """What the engine knows about a container."""
        found: list[dict[str, Any]] = json.loads(self.engine.docker("inspect", name))
        return found[0]

    def crash(self, name: str) -> None:
        """Kill the first process of a container as the kernel would, and wait until the engine has started it again."""
        before = self.inspect(name)
        os.kill(before["State"]["Pid"], signal.SIGKILL)
        starts = before["RestartCount"]
        self.until(lambda: self.inspect(name)["RestartCount"] > starts, lambda: f"{name} was not started again")

    def until_well(self) -> None:
        """Wait until every container that stays runs and says that it is well."""
        self.until(lambda: not self.unwell(), lambda: f"not well: {self.unwell()}")

    def unwell(self) -> list[str]:
        """What does not run, or is not well."""
        found = [one for one in self.containers() if one.service != "migrate"]
        wrong = [one for one in found if one.state != "running" or one.health not in {"", "healthy"}]
        ended = [one for one in self.containers("migrate") if one.state == "exited" and one.code]
        return [f"{one.name} {one.state} {one.health}".strip() for one in wrong + ended] or (
            [] if found else ["nothing runs"]
        )

    def until(
        self, condition: Callable[[], object], wrong: Callable[[], str], longest: float = _LONGEST_SECONDS
    ) -> None:
        """Wait until it is so. Raises Failure with what is wrong."""
        deadline = time.monotonic() + longest
        while not condition():
            if time.monotonic() > deadline:
                raise Failure(f"After {longest:.0f} s: {wrong()}")
            time.sleep(1.0)

    def findings(self) -> list[str]:
        """What `manage.py verify` has found. Where it cannot look, that is what it found."""
        done = self.manage("verify", "--json")
        try:
            said: dict[str, Any] = json.loads(done.stdout)
        except ValueError:
            return [f"verify did not run: {(done.stderr or done.stdout)[-500:]}"]
        return [str(finding) for finding in said["findings"]]

    def logs(self) -> str:
        """The newest lines of each container, for who looks for what was wrong."""
        names = [one.name for one in self.containers()]
        return "".join(f"--- {name}\n{self.last_lines(name)}" for name in names)

    def last_lines(self, name: str) -> str:
        """The newest lines of a container."""
        done = self._run(["docker", "logs", "--tail", "30", name])
        return done.stdout + done.stderr

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        env = {"LC_ALL": "C.UTF-8", **self.engine.variables()}
        return subprocess.run(
            command, cwd=self.checkout, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )


def commands(page: Path, title: str) -> list[str]:
    """The lines of the first `sh` block below a title, without their comments."""
    found = re.search(rf"^## {title}$.*?^```sh$\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    if found is None:
        raise Failure(f"{page.name} has no commands below {title}.")
    return [line.partition(" #")[0].strip() for line in found[1].splitlines() if line.strip()]
