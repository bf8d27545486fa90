"""One running process: its lines, its end, and how it is stopped."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import termios
from asyncio.subprocess import DEVNULL
from collections.abc import Callable, Sequence
from typing import Final

from stack.parent_death import die_with_parent
from stack.processes import Process

_CHUNK_BYTES: Final = 65_536


class Child:
    """A started process, in a session of its own so that the terminal's Ctrl-C does not reach it."""

    def __init__(self, process: Process, started: asyncio.subprocess.Process, lines: _Lines) -> None:
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
        return cls(process, started, _Lines(readable, sink))

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
        self._lines.end()
        return code


class _Lines:
    """The reading end of a process's output: each line goes to `sink` as soon as it is there."""

    def __init__(self, readable: int, sink: Callable[[str], None]) -> None:
        self._readable = readable
        self._sink = sink
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(readable, self._read, _CHUNK_BYTES)

    def end(self) -> None:
        """Deliver what has been written until now, and close the pipe. A second call does nothing.

        Does not wait for the pipe's end: somebody outside the process's group may hold it open for ever.
        """
        if self._readable >= 0 and (waiting := _bytes_in(self._readable)):
            self._read(waiting)
        self._close()

    def _read(self, most: int) -> None:
        chunk = os.read(self._readable, most)
        if not chunk:
            self._close()
            return
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > _CHUNK_BYTES:
            # A line without an end is passed on in pieces, not kept in memory for ever.
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._sink(line.decode("utf-8", "replace").rstrip("\r"))

    def _close(self) -> None:
        if self._readable < 0:
            return
        self._loop.remove_reader(self._readable)
        os.close(self._readable)
        self._readable = -1
        if self._rest:
            self._sink(self._rest.decode("utf-8", "replace"))


def _bytes_in(pipe: int) -> int:
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)
