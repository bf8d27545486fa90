#!/usr/bin/env python3
"""The first process of a cron host. It starts cron's daemon as root and the agent as an unprivileged user.

`cron_host.py --user NAME [--finish SECONDS] -- AGENT...`. If one of the two ends, this program ends the other one and
exits with 1, so that the whole container is started again. On SIGTERM and SIGINT it ends both, and gives the commands
that cron has started time to finish.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import pwd
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

# Seconds for the commands that cron has started: first to finish, then, after SIGTERM, to record that they were ended.
# The sum is below stop_grace_period in docker/stack.yml, after which Docker kills the container.
FINISH_SECONDS: Final = 20
RECORD_SECONDS: Final = 10
_STOPS: Final = {signal.SIGTERM, signal.SIGINT}
_PR_SET_CHILD_SUBREAPER: Final = 36  # <linux/prctl.h>


class Signals:
    """Waits for signals. Only one instance may exist, in the main thread."""

    def __init__(self) -> None:
        self._reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing)
        for number in (*_STOPS, signal.SIGCHLD):
            signal.signal(number, _noted)

    def wait(self, seconds: float | None) -> set[int]:
        """The signals that arrived, after at most `seconds` (None: no limit). Empty if none arrived."""
        ready, _, _ = select.select([self._reading], [], [], seconds)
        return set(os.read(self._reading, 4096)) if ready else set()


def main() -> int:
    """Run until a signal or the end of cron or the agent. Returns 0 after a signal, else 1."""
    arguments = _arguments()
    # Orphans of cron become children of this process, even if it is not process 1 (prctl(2)).
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signals = Signals()
    agent = _start(arguments.agent, pwd.getpwnam(arguments.user))
    daemon = subprocess.Popen(["cron", "-f"], stdin=subprocess.DEVNULL)  # noqa: S607 - the image's only one
    ours = {agent.pid: "the agent", daemon.pid: "cron"}
    ended: set[int] = set()
    asked = False
    while not asked and not ended & ours.keys():
        asked = bool(signals.wait(None) & _STOPS)
        ended |= _reap()
    for pid in ended & ours.keys():
        sys.stderr.write(f"{ours[pid]} has ended: stopping.\n")
    _end(ours.keys() - ended, signals, arguments.finish)
    return 0 if asked else 1


def _end(pids: set[int], signals: Signals, finish: float) -> None:
    """Send SIGTERM to `pids`, and wait for all other children. After `finish` seconds they get SIGTERM too."""
    for pid in pids:
        _ask_to_end(pid)
    if _all_ended(signals, finish):
        return
    asked = set(pids)

    def ask_each_once() -> None:
        # Once, because a second SIGTERM would interrupt a command that records the first one. Asked each time, because
        # the children of a process that ended become children of this one.
        for pid in children_of(os.getpid()) - asked:
            _ask_to_end(pid)
            asked.add(pid)

    _all_ended(signals, RECORD_SECONDS, each_time=ask_each_once)


def _all_ended(signals: Signals, seconds: float, each_time: Callable[[], None] = lambda: None) -> bool:
    """Wait for all children, at most `seconds`. True if all have ended. `each_time` is called before each wait."""
    deadline = time.monotonic() + seconds
    while children_of(os.getpid()):
        each_time()
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        signals.wait(left)
        _reap()
    return True


def children_of(pid: int) -> set[int]:
    """The processes whose parent is `pid`, zombies included (proc(5))."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # "pid (name) state ppid ...": the name may hold any character.
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # the process has ended
        if int(fields[1]) == pid:
            found.add(int(stat.parent.name))
    return found


def _reap() -> set[int]:
    """Collect the children that have ended. Returns their ids."""
    ended: set[int] = set()
    with contextlib.suppress(ChildProcessError):  # there is no child left
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            ended.add(pid)
    return ended


def _ask_to_end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # the process has ended
        os.kill(pid, signal.SIGTERM)


def _start(command: Sequence[str], user: pwd.struct_passwd) -> subprocess.Popen[bytes]:
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    home = {"HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name}
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **home},
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=groups,
    )


def _noted(_signal: int, _frame: FrameType | None) -> None:
    """Does nothing. Python writes the signal's number into the pipe only if the signal has a handler."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run cron and the agent of this host until SIGTERM.")
    parser.add_argument("--user", required=True, help="the user the agent runs as, and whose crontab it writes")
    parser.add_argument(
        "--finish",
        type=float,
        metavar="SECONDS",
        default=FINISH_SECONDS,
        help="how long the commands that cron has started may go on (%(default)s)",
    )
    parser.add_argument("agent", nargs="+", help="the agent's command, after --")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
