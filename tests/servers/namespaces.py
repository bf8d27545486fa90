"""A command in mount and process namespaces of its own: it sees no other process, and its mounts are nobody else's."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from stack.parent_death import die_with_parent

_UNSHARE: Final = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")


def available() -> bool:
    """Whether this user may make namespaces here."""
    return subprocess.run([*_UNSHARE, "true"], capture_output=True, check=False).returncode == 0


@contextmanager
def namespaces(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command as process 1 of its namespaces; `options` are those of Popen.

    Whatever it has started, also in another session, the kernel ends with it (pid_namespaces(7)): at the end of the
    block, and when this process is killed.
    """
    with subprocess.Popen(
        [*_UNSHARE, *command],
        stdin=subprocess.DEVNULL,
        preexec_fn=die_with_parent(),  # noqa: PLW1509 - set up before the fork; a killed test run leaves none
        **options,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def first_inside(process: subprocess.Popen[bytes]) -> int | None:
    """Process 1 of the namespaces, by its number out here (proc(5)); None until it is there."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(children[0]) if children else None
