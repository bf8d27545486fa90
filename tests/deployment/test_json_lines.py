"""docker/json_lines.py as a real process: what a command writes, how it ends, and which signals it gets."""

from __future__ import annotations

import ctypes
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.tools import ROOT

PROGRAM = [sys.executable, str(ROOT / "docker" / "json_lines.py")]
_PATIENCE_SECONDS = 60.0


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        [*PROGRAM, *words], env=env, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False
    )


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_each_line_becomes_an_object_on_its_own_stream_and_the_exit_code_stays() -> None:
    done = run("sh", "-c", 'echo "Applying 0001... OK"; echo; echo "WARNING: old" >&2; printf "cut off" >&2; exit 3')
    assert done.returncode == 3
    [told] = objects(done.stdout)
    assert told.keys() == {"time", "level", "logger", "process", "message"}
    assert (told["level"], told["logger"], told["message"]) == ("INFO", "stdout", "Applying 0001... OK")
    assert [(one["level"], one["message"]) for one in objects(done.stderr)] == [
        ("WARNING", "WARNING: old"),
        ("ERROR", "cut off"),
    ]


def test_a_line_that_is_an_object_passes_as_it_is() -> None:
    line = '{"message": "hello", "level":  "INFO"}\n'
    assert run("printf", "%s", line).stdout == line


def test_what_python_says_as_it_fails_is_json_too() -> None:
    done = run(sys.executable, "-c", "raise RuntimeError('gone')")
    lines = objects(done.stderr)
    assert (lines[0]["message"], lines[-1]["message"]) == ("Traceback (most recent call last):", "RuntimeError: gone")
    assert {line["level"] for line in lines} == {"ERROR"}
    assert done.returncode == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_command(number: signal.Signals) -> None:
    script = f"trap 'echo asked; exit 7' {number.name.removeprefix('SIG')}; echo ready; while :; do sleep 0.05; done"
    with subprocess.Popen([*PROGRAM, "sh", "-c", script], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert "ready" in running.stdout.readline()
        running.send_signal(number)
        assert "asked" in running.stdout.readline()
        assert running.wait(_PATIENCE_SECONDS) == 7


def test_a_signal_that_another_thread_is_given_reaches_the_command_too() -> None:
    # The main thread must not be waiting for its own signal only: what arrives just before it waits would be lost.
    with subprocess.Popen([*PROGRAM, "sh", "-c", "echo ready; exec sleep 600"], stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()
        threads = {int(thread.name) for thread in Path(f"/proc/{running.pid}/task").iterdir()}
        ctypes.CDLL(None).tgkill(running.pid, max(threads - {running.pid}), signal.SIGTERM)
        assert running.wait(_PATIENCE_SECONDS) == 128 + signal.SIGTERM


def test_the_last_lines_are_passed_on_however_many_they_are() -> None:
    many = "import os; os.write(1, b'x\\n' * 20_000 + b'the last one'); os._exit(0)"
    messages = [line["message"] for line in objects(run(sys.executable, "-c", many).stdout)]
    assert (len(messages), messages[-1]) == (20_001, "the last one")


def test_the_end_by_a_signal_is_told_as_shells_tell_it() -> None:
    assert run("sh", "-c", "kill -9 $$").returncode == 128 + signal.SIGKILL


def test_a_child_that_is_left_behind_does_not_hold_up_the_end() -> None:
    done = run("sh", "-c", "setsid sleep 30 2>&- & echo $!")
    assert done.returncode == 0
    os.kill(int(objects(done.stdout)[0]["message"]), signal.SIGKILL)


def test_another_format_and_a_terminal_leave_all_as_it_is() -> None:
    assert run("echo", "plain", LOG_FORMAT="text").stdout == "plain\n"
    ours, theirs = pty.openpty()
    subprocess.run([*PROGRAM, "echo", "plain"], stdout=theirs, timeout=_PATIENCE_SECONDS, check=True)
    os.close(theirs)
    assert os.read(ours, 100) == b"plain\r\n"
    os.close(ours)


def test_without_a_command_it_says_what_is_missing() -> None:
    done = run()
    assert (done.returncode, done.stderr) == (2, "Write the command after json_lines.py.\n")
