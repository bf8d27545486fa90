"""A warm process is as a new Python would be."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.warm import processes as warm

TOLD = Path(__file__).with_name("told.py")


@pytest.mark.parametrize(
    "words",
    [["-m", "tests.warm.told", "a"], [str(TOLD), "--a", "b c"], ["-c", TOLD.read_text(), "a"]],
    ids=["-m", "file", "-c"],
)
def test_it_is_as_a_new_python_is(words: list[str]) -> None:
    # What Python itself reads is the same for both.
    variables = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
    variables |= {"PATH": os.environ["PATH"], "LC_CTYPE": "C.UTF-8", "ONE": "1"}
    cold = subprocess.run(
        [sys.executable, *words],
        env=variables,
        cwd=warm.ROOT,
        capture_output=True,
        text=True,
        check=True,
        input="",
        start_new_session=True,
    )
    done = warm.run(words, variables)
    assert (done.returncode, done.stderr) == (0, cold.stderr)
    assert json.loads(done.stdout) == json.loads(cold.stdout)


def test_its_end_is_told_as_pythons_is() -> None:
    assert warm.run(["-c", "raise SystemExit(3)"], os.environ).returncode == 3
    assert warm.run(["-c", "import os; os.kill(os.getpid(), 9)"], os.environ).returncode == -signal.SIGKILL
    done = warm.run(["-c", "import atexit; atexit.register(print, 'the end'); 1 / 0"], os.environ)
    assert (done.returncode, done.stdout) == (1, "the end\n")
    assert "ZeroDivisionError" in done.stderr


def test_a_line_reaches_it_and_a_signal_ends_it(tmp_path: Path) -> None:
    with (tmp_path / "output").open("w+b") as output:
        code = "import signal; print(input()); signal.pause()"
        process = warm.start(["-c", code], os.environ, output.fileno())
        process.stdin.write(b"go\n")
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0)
        assert process.poll() is None
        process.terminate()
        assert process.wait() == process.poll() == -signal.SIGTERM
        # As with Popen, one that has ended gets no signal: its number may be another one's by now.
        process.kill()


def test_it_ends_with_whoever_started_it() -> None:
    code = (
        "import os, signal\n"
        "from tests.warm import processes\n"
        "print(processes.start(['-c', 'import signal; signal.pause()'], os.environ, 2).pid, flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=warm.ROOT, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        ends = os.pidfd_open(int(starter.stdout.readline()))
        starter.kill()
    # pidfd_open(2): readable once the process has ended.
    assert select.select([ends], [], [], 60)[0]
    os.close(ends)


def test_what_python_reads_at_its_start_is_refused() -> None:
    with pytest.raises(ValueError, match="PYTHONPATH"):
        warm.run(["-c", ""], {**os.environ, "PYTHONPATH": "/nowhere"})


def test_python_itself_is_not_among_the_arguments() -> None:
    with pytest.raises(ValueError, match="leave it out"):
        warm.run([sys.executable, "-c", ""], os.environ)
