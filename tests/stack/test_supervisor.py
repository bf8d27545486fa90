"""The supervisor at work on real, small processes."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from stack.failure import StackError
from stack.output import Console
from stack.processes import Process, Surroundings, broker, broker_folder
from stack.readiness import AnswersPing, until_ready
from stack.supervisor import Supervisor
from stack.valkey import valkey_server

# Writes that it runs, waits for TERM, writes that it ends. Not with print: TERM may arrive during the first write.
# Not with signal.pause: TERM may arrive just before it.
_POLITE = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (os.write(1, b"bye\\n"), sys.exit(0)))
os.write(1, b"here\\n")
while True:
    time.sleep(0.1)
"""
_STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); signal.pause()"
# Its own child inherits all descriptors, ignores TERM, and would run for ever.
_PARENT = f"""
import signal, subprocess, sys
subprocess.Popen([sys.executable, "-c", {_STUBBORN!r}], close_fds=False)
signal.pause()
"""


def python(name: str, code: str, *, grace_seconds: float = 30.0) -> Process:
    return Process(name, (sys.executable, "-c", code), grace_seconds=grace_seconds)


class Recorder(io.StringIO):
    """A terminal that records its text. `until` returns once a text has been written."""

    def __init__(self) -> None:
        super().__init__()
        self._written = asyncio.Event()

    def write(self, text: str) -> int:
        self._written.set()
        return super().write(text)

    async def until(self, text: str, *, times: int = 1) -> None:
        while self.getvalue().count(text) < times:
            self._written.clear()
            await self._written.wait()


Body = Callable[[Supervisor, Recorder], Awaitable[None]]


def supervised(
    body: Body,
    logs: Path,
    *,
    keep_open: Sequence[int] = (),
    pauses: Sequence[float | None] = (),
    look_seconds: float = 1000.0,
) -> str:
    """Runs `body` with a supervisor, stops it, and returns all that was shown."""

    def pause(deaths: Sequence[float], *, now: float) -> float | None:
        return pauses[len(deaths) - 1]

    async def run() -> str:
        terminal = Recorder()
        names = ["one", "two", "three"]
        supervisor = Supervisor(
            Console(terminal, names), logs, keep_open=keep_open, pause=pause, look_seconds=look_seconds
        )
        try:
            await body(supervisor, terminal)
        finally:
            await supervisor.stop()
        return terminal.getvalue()

    return asyncio.run(run())


@pytest.fixture
def lifeline() -> Iterator[tuple[int, Callable[[], None]]]:
    """A descriptor that children inherit, and a wait that ends when no process holds it."""
    readable, writable = os.pipe()

    def until_all_have_ended() -> None:
        os.close(writable)
        assert os.read(readable, 1) == b""

    yield writable, until_all_have_ended
    os.close(readable)


def test_processes_stop_in_reverse_order(tmp_path: Path) -> None:
    async def body(supervisor: Supervisor, terminal: Recorder) -> None:
        for name in ("one", "two", "three"):
            await supervisor.start(python(name, _POLITE))
        await terminal.until("| here", times=3)

    shown = supervised(body, tmp_path)
    assert [line.split()[0] for line in shown.splitlines() if line.endswith("bye")] == ["three", "two", "one"]


def test_each_process_has_its_own_file(tmp_path: Path) -> None:
    async def body(supervisor: Supervisor, terminal: Recorder) -> None:
        await supervisor.start(python("one", _POLITE))
        await supervisor.start(python("two", _STUBBORN, grace_seconds=0.1))
        await terminal.until("| here", times=2)

    supervised(body, tmp_path)
    assert (tmp_path / "one.log").read_text() == "here\nbye\n"
    assert (tmp_path / "two.log").read_text() == "here\n"


def test_what_ignores_the_signal_is_killed_after_its_grace_with_all_it_started(
    tmp_path: Path, lifeline: tuple[int, Callable[[], None]]
) -> None:
    writable, until_all_have_ended = lifeline

    async def body(supervisor: Supervisor, terminal: Recorder) -> None:
        await supervisor.start(python("one", _STUBBORN, grace_seconds=0.1))
        await supervisor.start(python("two", _PARENT, grace_seconds=0.1))
        await terminal.until("| here", times=2)

    shown = supervised(body, tmp_path, keep_open=[writable])
    until_all_have_ended()
    assert "one did not stop in time and was killed." in shown


def test_a_second_request_kills_at_once(tmp_path: Path) -> None:
    async def body(supervisor: Supervisor, terminal: Recorder) -> None:
        await supervisor.start(python("one", _STUBBORN, grace_seconds=1000))
        await terminal.until("| here")
        stopping = asyncio.create_task(supervisor.stop())
        await asyncio.sleep(0)
        supervisor.kill()
        await stopping

    supervised(body, tmp_path)


# The first run leaves a mark and ends; the next one finds it and stays.
_DIES_ONCE = """
import pathlib, signal, sys
mark = pathlib.Path({mark!r})
print("alive", flush=True)
if mark.exists():
    signal.pause()
mark.touch()
sys.exit(3)
"""


def test_a_process_that_dies_is_started_again_and_that_is_said(tmp_path: Path) -> None:
    async def body(supervisor: Supervisor, terminal: Recorder) -> None:
        await supervisor.start(python("one", _DIES_ONCE.format(mark=str(tmp_path / "mark"))))
        await terminal.until("alive", times=2)

    shown = supervised(body, tmp_path, pauses=[0.0])
    assert "one ended with exit code 3; it is started again in 0 s." in shown


def test_a_process_that_keeps_dying_is_given_up_and_its_log_named(tmp_path: Path) -> None:
    async def body(supervisor: Supervisor, terminal: Recorder) -> None:
        await supervisor.start(python("one", _POLITE))
        await supervisor.start(python("two", "import os; os.kill(os.getpid(), 9)"))
        await supervisor.unless_given_up(asyncio.Event().wait())

    with pytest.raises(StackError, match=rf"two keeps dying: read {tmp_path}/two\.log"):
        supervised(body, tmp_path, pauses=[0.0, 0.0, None])


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    async def body(supervisor: Supervisor, terminal: Recorder) -> None:
        await supervisor.start(Process("one", (str(tmp_path / "no-such-program"),)))
        await supervisor.unless_given_up(asyncio.Event().wait())

    with pytest.raises(StackError, match=r"one cannot be started: .*no-such-program"):
        supervised(body, tmp_path)


def test_a_stop_during_the_pause_before_a_restart_does_not_wait_for_its_end(tmp_path: Path) -> None:
    async def body(supervisor: Supervisor, terminal: Recorder) -> None:
        await supervisor.start(python("one", "raise SystemExit(1)"))
        await terminal.until("started again in 1000 s")

    assert supervised(body, tmp_path, pauses=[1000.0]).count("ended with exit code 1") == 1


def test_odd_output_comes_through(tmp_path: Path) -> None:
    async def body(supervisor: Supervisor, terminal: Recorder) -> None:
        code = r"import sys; sys.stdout.buffer.write(b'\xff\r\n' + b'x' * 200_000 + b'\nno end')"
        await supervisor.start(python("one", code))
        await terminal.until("no end")

    shown = supervised(body, tmp_path, pauses=[1000.0])
    assert "one   | \ufffd\n" in shown
    assert shown.count("x") == 200_000 + shown.count("exit")


@dataclass(frozen=True)
class Listens:
    """A process that can be reached while a file is there."""

    at: Path

    async def check(self) -> bool:
        self.at.stat()
        return True


_LISTENS = "import pathlib, signal; print('alive', flush=True); pathlib.Path({at!r}).touch(); signal.pause()"


def test_a_watched_process_that_nobody_can_reach_any_more_is_started_again(tmp_path: Path) -> None:
    at = tmp_path / "socket"

    async def body(supervisor: Supervisor, terminal: Recorder) -> None:
        code = _LISTENS.format(at=str(at))
        await supervisor.start(replace(python("one", code), ready=Listens(at), watched=True))
        at.unlink()
        # Only another process makes it again. Its lines may come late on a busy machine.
        while not at.exists():  # noqa: ASYNC110 - another process cannot set our Event
            await asyncio.sleep(0.01)

    shown = supervised(body, tmp_path, pauses=[0.0, 0.0, None], look_seconds=0.01)
    assert "one runs, and nobody can reach it any more: it is ended." in shown


@pytest.mark.live
def test_the_embedded_broker_keeps_its_data_and_survives_the_loss_of_its_socket() -> None:
    with tempfile.TemporaryDirectory(prefix="tandem-") as folder:
        var = Path(folder)
        around = Surroundings(
            python=sys.executable,
            manage=Path("manage.py"),
            var=var,
            broker_program=valkey_server(),
            broker_socket=var / "broker.sock",
            crontab="none",
            host="127.0.0.1",
            port=8000,
            unique="test",
        )
        broker_folder(var).mkdir()

        async def body(supervisor: Supervisor, terminal: Recorder) -> None:
            [process] = broker(around)
            await supervisor.start(replace(process, name="one"))
            around.broker_socket.unlink()
            await terminal.until("it is started again")
            await until_ready(AnswersPing(around.broker_socket))

        supervised(body, var / "log", pauses=[0.0], look_seconds=0.01)
        assert not around.broker_socket.exists()
        assert any(broker_folder(var).rglob("*.aof"))


_SUPERVISE = """
import asyncio, pathlib, sys
from stack.output import Console
from stack.processes import Process
from stack.supervisor import Supervisor

async def main():
    supervisor = Supervisor(Console(sys.stdout, ["one"]), pathlib.Path(sys.argv[1]), keep_open=[int(sys.argv[2])])
    await supervisor.start(Process("one", (sys.executable, "-c", sys.argv[3])))
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can tie a child to its parent's life")
def test_children_end_with_a_supervisor_that_is_killed(
    tmp_path: Path, lifeline: tuple[int, Callable[[], None]]
) -> None:
    writable, until_all_have_ended = lifeline
    command = [sys.executable, "-c", _SUPERVISE, str(tmp_path), str(writable), _STUBBORN]
    with subprocess.Popen(command, pass_fds=[writable], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == b"one | here\n"
        supervisor.send_signal(signal.SIGKILL)
    until_all_have_ended()
