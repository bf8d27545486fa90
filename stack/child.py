"""One running process: its lines, its end, and how it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL
from collections.abc import Callable, Sequence
from typing import Final

from stack.parent_death import die_with_parent
from stack.processes import Process

_CHUNK_BYTES: Final = 65_536
_LAST_LINES_SECONDS: Final = 1.0


class Child:
    """A started process, in a session of its own so that the terminal's Ctrl-C does not reach it."""

    def __init__(self, process: Process, started: asyncio.subprocess.Process, lines: asyncio.Task[None]) -> None:
        self._process = process
        self._started = started
        self._lines = lines
        self._ended = asyncio.create_task(self._end())

    @classmethod
    async def start(cls, process: Process, sink: Callable[[str], None], *, keep_open: Sequence[int] = ()) -> Child:
        """Start `process`; `sink` gets each line it writes, to stdout or stderr, without the line's end.

        The descriptors in `keep_open` stay open in the child. Raises OSError when it cannot be started.
        """
        # A pipe of our own, not asyncio's: a grandchild that holds it open must not hide the child's end.
        readable, writable = os.pipe()
        try:
            started = await asyncio.create_subprocess_exec(
                *process.argv,
                stdin=DEVNULL,
                stdout=writable,
                stderr=writable,
                env={**os.environ, **process.env},
                start_new_session=True,
                pass_fds=keep_open,
                preexec_fn=die_with_parent(),
            )
        except OSError:
            os.close(readable)
            raise
        finally:
            os.close(writable)
        return cls(process, started, asyncio.create_task(_deliver(readable, sink)))

    @property
    def pid(self) -> int:
        """The process's id, which is also its group's."""
        return self._started.pid

    async def wait(self) -> int:
        """Its exit code (-N: ended by signal N), once its whole group is gone and its lines are delivered."""
        return await asyncio.shield(self._ended)

    async def stop(self) -> bool:
        """Ask it to stop and wait for the end; killed when its grace is over. Whether it ended by itself."""
        with contextlib.suppress(ProcessLookupError):  # it has just ended: what we want
            self._started.send_signal(self._process.stop_signal)
        try:
            await asyncio.wait_for(self.wait(), self._process.grace_seconds)
        except TimeoutError:
            self.kill()
            await self.wait()
            return False
        return True

    def kill(self) -> None:
        """End the process and all of its group at once."""
        with contextlib.suppress(ProcessLookupError):  # all of them have ended: what we want
            os.killpg(self.pid, signal.SIGKILL)

    async def _end(self) -> int:
        code = await self._started.wait()
        # What it had started itself (a worker's pool, a command of cron's) must not outlive it.
        self.kill()
        await asyncio.wait({self._lines}, timeout=_LAST_LINES_SECONDS)
        self._lines.cancel()
        return code


async def _deliver(readable: int, sink: Callable[[str], None]) -> None:
    reader = asyncio.StreamReader()
    pipe = os.fdopen(readable, "rb")
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        rest = b""
        while chunk := await reader.read(_CHUNK_BYTES):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _CHUNK_BYTES:
                # A line without an end is passed on in pieces, not kept in memory for ever.
                lines, rest = [*lines, rest], b""
            for line in lines:
                sink(line.decode("utf-8", "replace").rstrip("\r"))
        if rest:
            sink(rest.decode("utf-8", "replace"))
    finally:
        transport.close()
