"""A process that tells that it lives, and then hangs, is ended and started again."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from pathlib import Path

from stack.output import Console
from stack.processes import Process
from stack.supervisor import Supervisor

# Says its number, tells its supervisor that it lives as the processes of the product do, and then sleeps.
LIVES = """
import os, sys, time
from scheduling import supervision
supervision.NOTIFY_SECONDS = 0.02
supervision.start(lambda: True)
print(os.getpid(), flush=True)
time.sleep(600)
"""
SAYS_NOTHING = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


class Terminal(io.StringIO):
    """Wakes whoever waits for a line."""

    def __init__(self) -> None:
        super().__init__()
        self._written = asyncio.Event()

    def write(self, text: str) -> int:
        done = super().write(text)
        self._written.set()
        return done

    async def until(self, count: int, words: str) -> str:
        """What was shown, once `words` stand in so many of its lines."""
        while sum(words in line for line in self.getvalue().splitlines()) < count:
            self._written.clear()
            await self._written.wait()
        return self.getvalue()


def pid_in(shown: str) -> int:
    return int(shown.strip().splitlines()[-1].rpartition("| ")[2])


def test_a_process_that_is_stopped_is_ended_and_started_again(tmp_path: Path) -> None:
    async def run() -> None:
        terminal = Terminal()
        supervisor = Supervisor(
            Console(terminal, ["one"]), tmp_path / "log", pause=lambda _, now: 0.0, hang_seconds=2.0
        )
        try:
            await supervisor.start(Process("one", (sys.executable, "-c", LIVES)))
            first = pid_in(await terminal.until(1, "| "))
            # Long enough for some notifications: it is left alone.
            await asyncio.sleep(0)
            os.kill(first, signal.SIGSTOP)
            await terminal.until(1, "one has hung for 2 s: it is ended.")
            second = pid_in(await terminal.until(4, "| "))
            assert second != first
        finally:
            await supervisor.stop()

    asyncio.run(run())
    assert not list(tmp_path.glob("*.notify"))


def test_a_process_that_never_told_anything_is_left_alone(tmp_path: Path) -> None:
    async def run() -> str:
        terminal = Terminal()
        supervisor = Supervisor(
            Console(terminal, ["one", "two"]), tmp_path / "log", pause=lambda _, now: 0.0, hang_seconds=2.0
        )
        try:
            await supervisor.start(Process("one", (sys.executable, "-c", SAYS_NOTHING)))
            await terminal.until(1, "one")
            # By the time this one is found to hang, the other one would have been as well.
            await supervisor.start(Process("two", (sys.executable, "-c", LIVES)))
            os.kill(pid_in(await terminal.until(1, "two")), signal.SIGSTOP)
            return await terminal.until(1, "two has hung")
        finally:
            await supervisor.stop()

    assert "one has hung" not in asyncio.run(run())
