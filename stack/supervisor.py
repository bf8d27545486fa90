"""Keeps processes running: started in order, started again when they die, stopped in reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Final, TypeVar

from stack.child import Child
from stack.failure import StackError
from stack.output import Console, LogFile
from stack.processes import Process
from stack.readiness import until_gone, until_ready
from stack.restarts import PauseRule, pause_before_restart

T = TypeVar("T")

_READY_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 5.0


class Supervisor:
    """Processes and their keepers. Use one in one event loop, and always end with `stop`.

    `logs` is the folder of their files; children keep the descriptors `keep_open`; `pause` says when one that died
    is started again, as `pause_before_restart` does. What is watched is looked at every `look_seconds`.
    """

    def __init__(
        self,
        console: Console,
        logs: Path,
        *,
        keep_open: Sequence[int] = (),
        pause: PauseRule = pause_before_restart,
        look_seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._console = console
        self._logs = logs
        self._keep_open = keep_open
        self._pause_rule = pause
        self._look_seconds = look_seconds
        self._children: dict[str, Child] = {}
        self._answered: dict[str, asyncio.Event] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()

    async def start(self, process: Process) -> None:
        """Start `process`, keep it running from now on, and wait until it is ready.

        Raises StackError when it does not become ready, or when any process is given up meanwhile.
        """
        answered = self._answered[process.name] = asyncio.Event()
        self._keepers[process.name] = asyncio.create_task(self._keep(process))
        if process.ready is None:
            return
        try:
            await self.unless_given_up(asyncio.wait_for(answered.wait(), _READY_SECONDS))
        except TimeoutError as exc:
            log = self._log_of(process.name)
            raise StackError(f"{process.name} did not answer within {_READY_SECONDS:g} s: read {log}.") from exc

    async def unless_given_up(self, work: Awaitable[T]) -> T:
        """The result of `work`. Raises StackError, and cancels `work`, as soon as a process is given up."""
        doing = asyncio.ensure_future(work)
        try:
            await asyncio.wait({doing, *self._keepers.values()}, return_when=asyncio.FIRST_COMPLETED)
            for keeper in self._keepers.values():
                if keeper.done():
                    keeper.result()
            return await doing
        finally:
            doing.cancel()

    async def stop(self) -> None:
        """Stop everything, the last started first. Nothing runs when this returns."""
        self._stopping.set()
        for name in reversed(self._keepers):
            child = self._children.get(name)
            if child is not None and not await child.stop():
                self._console.say(f"{name} did not stop in time and was killed.")
        # A keeper that was about to start its process again has seen `_stopping` and ended it.
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)

    def kill(self) -> None:
        """End every process at once; `stop` then has nothing left to wait for."""
        for child in self._children.values():
            child.kill()

    async def _keep(self, process: Process) -> None:
        deaths: list[float] = []
        while not self._stopping.is_set():
            code = await self._run(process)
            if self._stopping.is_set():
                return
            deaths.append(time.monotonic())
            pause = self._pause_rule(deaths, now=deaths[-1])
            if pause is None:
                raise StackError(f"{process.name} keeps dying: read {self._log_of(process.name)}.")
            self._console.say(f"{process.name} {_ending(code)}; it is started again in {pause:g} s.")
            await self._pause(pause)

    async def _run(self, process: Process) -> int:
        log = LogFile(self._log_of(process.name), report=self._console.say)

        def keep_line(text: str) -> None:
            self._console.line(process.name, text)
            log.line(text)

        try:
            child = await Child.start(process, keep_line, keep_open=self._keep_open)
            self._children[process.name] = child
            if self._stopping.is_set():
                child.kill()
            watch = asyncio.create_task(self._watch(process, child))
            try:
                return await child.wait()
            finally:
                watch.cancel()
        except OSError as exc:
            raise StackError(f"{process.name} cannot be started: {exc}.") from exc
        finally:
            self._children.pop(process.name, None)
            log.close()

    async def _watch(self, process: Process, child: Child) -> None:
        """Tell when it is ready. End one that nobody can reach any more; it is started again like one that died."""
        if process.ready is None:
            return
        await until_ready(process.ready)
        self._answered[process.name].set()
        if process.watched:
            await until_gone(process.ready, every=self._look_seconds)
            self._console.say(f"{process.name} runs, and nobody can reach it any more: it is ended.")
            await child.stop()

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):  # nobody asked to stop meanwhile
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _log_of(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"  # a real-time signal has no name
