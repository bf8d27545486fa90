"""A room for the drill: processes, mounts and a network of its own, which all end with it.

Whatever ends the first process in it, a signal or a crash, the kernel then ends every other one (pid_namespaces(7)).
With them go the mounts, the bridges and the rules of iptables. Only folders of control groups are left to be removed.
"""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from stack.environment import Failure
from stack.parent_death import die_with_parent

CGROUPS: Final = Path("/sys/fs/cgroup")
_PATIENCE_SECONDS: Final = 20.0
# It waits until its network is there, so the command begins with a way out.
_BEGIN: Final = 'read -r _ && ip link set lo up && exec "$@" </dev/null'


@contextmanager
def room(command: list[str], init: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command in a room. At the end of the block nothing in the room is left.

    `init` is a program as tini: the first process, which collects the orphans of the others.
    """
    unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with subprocess.Popen(
        [*unshare, "sh", "-c", f"exec {init} -- sh -c '{_BEGIN}' sh \"$@\"", "sh", *command],
        stdin=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=die_with_parent(),  # noqa: PLW1509 - set up before the fork; a killed drill leaves none
    ) as process:
        try:
            with _network(process.pid):
                _say_go(process)
                yield process
        finally:
            process.kill()


def remove_cgroups(name: str) -> None:
    """Remove the control groups of this name, and those below them. Raises Failure when one is still in use."""
    # A folder for each controller, or one tree for all (cgroups(7)).
    for top in (CGROUPS / name, *CGROUPS.glob(f"*/{name}")):
        for folder in sorted([top, *top.rglob("*/")], key=lambda path: -len(path.parts)):
            _remove(folder)


def _remove(folder: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while folder.is_dir():
        try:
            folder.rmdir()
        except OSError as exc:
            # The kernel lets go of a killed process a little later.
            if time.monotonic() > deadline:
                raise Failure(f"{folder} cannot be removed: {exc.strerror}") from exc
            time.sleep(0.05)


@contextmanager
def _network(pid: int) -> Iterator[None]:
    """Give the room of the process a way out: slirp4netns passes on what it sends, as this user."""
    _until_it_has_its_own_network(pid)
    reading, writing = os.pipe()
    words = ["--configure", "--mtu=1400", "--disable-host-loopback", f"--ready-fd={writing}", str(pid), "tap0"]
    with subprocess.Popen(
        ["slirp4netns", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[writing],
        start_new_session=True,
        preexec_fn=die_with_parent(),  # noqa: PLW1509 - as above
    ) as process:
        os.close(writing)
        try:
            ready, _, _ = select.select([reading], [], [], _PATIENCE_SECONDS)
            if not ready or os.read(reading, 1) != b"1":
                raise Failure("slirp4netns does not start: the drill has no way to Debian's mirror and to pip's index.")
            yield
        finally:
            os.close(reading)
            process.kill()


def _until_it_has_its_own_network(pid: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while (Path(f"/proc/{pid}/ns/net")).readlink() == Path("/proc/self/ns/net").readlink():
        if time.monotonic() > deadline:
            raise Failure("unshare does not start: a room of its own cannot be made here.")
        time.sleep(0.01)


def _say_go(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        process.stdin.write(b"go\n")
        process.stdin.close()
