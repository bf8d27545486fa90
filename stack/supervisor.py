"""Keeps processes running: started in order, started again when they die, stopped in reverse order."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeVar

from stack.child import Child
from stack.failure import StackError
from stack.notify_socket import VARIABLE, NotifySocket
from stack.output import Console, LogFile
from stack.processes import Process
from stack.readiness import until_gone, until_ready
from stack.restarts import PauseRule, pause_before_restart

T = TypeVar("T")

_READY_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 5.0
# Nine times as long as a process takes between two notifications: a busy machine is not a hung process.
_HANG_SECONDS: Final = 45.0


class Supervisor:
    """Processes and their keepers. Use one in one event loop, and always end with `stop`.

    `logs` is the folder of their files; children keep the descriptors `keep_open`; `pause` says when one that died
    is started again, as `pause_before_restart` does. What is watched is looked at every `look_seconds`. A process that
    uses its notify socket (sd_notify(3)) and is silent for `hang_seconds` is ended.
    """

    def __init__(
        self,
        console: Console,
        logs: Path,
        *,
        keep_open: Sequence[int] = (),
        pause: PauseRule = pause_before_restart,
        look_seconds: float = _LOOK_SECONDS,
        hang_seconds: float = _HANG_SECONDS,
    ) -> None:
        self._console = console
        self._logs = logs
        self._keep_open = keep_open
        self._pause_rule = pause
        self._look_seconds = look_seconds
        self._hang_seconds = hang_seconds
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
            with contextlib.closing(NotifySocket(self._logs.parent / f"{process.name}.notify")) as notify:
                return await self._watched(process, notify, keep_line)
        except OSError as exc:
            raise StackError(f"{process.name} cannot be started: {exc}.") from exc
        finally:
            self._children.pop(process.name, None)
            log.close()

    async def _watched(self, process: Process, notify: NotifySocket, keep_line: Callable[[str], None]) -> int:
        """Start the process and watch it until it ends. Returns its exit code."""
        told = replace(process, env={**process.env, VARIABLE: str(notify.path)})
        child = await Child.start(told, keep_line, keep_open=self._keep_open)
        self._children[process.name] = child
        if self._stopping.is_set():
            child.kill()
        watches = [
            asyncio.create_task(self._watch(process, child)),
            asyncio.create_task(self._watch_for_hanging(process, child, notify)),
        ]
        try:
            return await child.wait()
        finally:
            for watch in watches:
                watch.cancel()
            # Their last steps use the socket.
            await asyncio.gather(*watches, return_exceptions=True)

    async def _watch(self, process: Process, child: Child) -> None:
        """Tell when it is ready. End one that cannot be reached; it is started again like one that died."""
        if process.ready is None:
            return
        await until_ready(process.ready)
        self._answered[process.name].set()
        if process.watched:
            await until_gone(process.ready, every=self._look_seconds)
            self._console.say(f"{process.name} runs, and nobody can reach it any more: it is ended.")
            await child.stop()

    async def _watch_for_hanging(self, process: Process, child: Child, notify: NotifySocket) -> None:
        """End a process that has told that it lives and then falls silent; it is started again like one that died."""
        await notify.until_silent(seconds=self._hang_seconds)
        self._console.say(f"{process.name} has hung for {self._hang_seconds:g} s: it is ended.")
        child.kill()

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
