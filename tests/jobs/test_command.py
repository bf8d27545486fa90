"""command.run, with real programs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from jobs import process
from jobs.checks import commands_are_usable
from jobs.command import CommandFailed
from jobs.commands import parsed
from jobs.errors import Cancelled, TimedOut
from jobs.process import NotStarted
from scheduling.errors import InvalidRequest, Misconfigured
from scheduling.registry import definition
from tests.jobs.contexts import Recorder
from tests.jobs.run_job import run_job

ECHO = "import sys; print(sys.argv[1:])"


def python(code: str, *rest: str, **more: Any) -> dict[str, Any]:
    """A command that runs Python code."""
    return {"argv": [sys.executable, "-c", code, *rest], **more}


@pytest.fixture
def commands(settings: Settings) -> dict[str, Any]:
    settings.TANDEM_COMMANDS = {
        "echo": python(ECHO, "--to={target}", arguments={"name": "[a-z ;$`'\"|&]+", "target": ["a", "-b"]}),
        "flags": python(ECHO, "{flag}", arguments={"flag": "-[a-z]", "rest": ".*"}),
    }
    known: dict[str, Any] = settings.TANDEM_COMMANDS
    return known


def test_a_command_gets_its_arguments_as_they_are(commands: dict[str, Any]) -> None:
    hostile = "x; $`touch y` | & '\""
    result = run_job("command.run", command="echo", arguments={"name": hostile, "target": "-b"})
    assert result["output"] == f"{['--to=-b', hostile]}\n"
    assert (result["exit_code"], result["errors"], result["cut"]) == (0, "", False)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"command": "rm"}, "parameters.command"),
        ({"command": "echo"}, "parameters.arguments.name"),
        ({"command": "echo", "arguments": {"name": "a"}}, "parameters.arguments.target"),
        ({"command": "echo", "arguments": {"name": "a", "target": "c"}}, "parameters.arguments.target"),
        ({"command": "echo", "arguments": {"name": "A", "target": "a"}}, "parameters.arguments.name"),
        ({"command": "echo", "arguments": {"name": "a\n", "target": "a"}}, "parameters.arguments.name"),
        ({"command": "echo", "arguments": {"name": "a", "target": "a", "x.y": "a"}}, "parameters.arguments.x\\1y"),
        ({"command": "echo", "arguments": {"name": ["a"], "target": "a"}}, "parameters.arguments.name"),
        ({"command": "flags", "arguments": {"flag": "-x", "rest": "-rf"}}, "parameters.arguments.rest"),
        ({"command": "flags", "arguments": {"flag": "-x", "rest": "a" * 4001}}, "parameters.arguments.rest"),
    ],
)
def test_what_the_settings_do_not_describe_is_refused(
    commands: dict[str, Any], asked: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        definition("command.run").check(asked)
    assert field in [problem.field for problem in refused.value.problems]


def test_an_expression_that_begins_with_a_dash_allows_one(commands: dict[str, Any]) -> None:
    result = run_job("command.run", command="flags", arguments={"flag": "-x", "rest": "{flag}"})
    assert result["output"] == "['-x', '{flag}']\n"


def test_a_name_may_begin_with_an_underscore_as_in_adopted_commands(settings: Settings) -> None:
    settings.TANDEM_COMMANDS = {"echo": python(ECHO, "--to={_target}", arguments={"_target": "[a-z]+"})}
    assert run_job("command.run", command="echo", arguments={"_target": "a"})["output"] == "['--to=a']\n"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"argv": []},
        {"argv": "/bin/ls"},
        {"argv": ["ls"]},
        {"argv": ["/bin/{name}"], "arguments": {"name": "a"}},
        {"argv": ["/bin/ls", "{name}"]},
        {"argv": ["/bin/ls"], "arguments": {"name": "("}},
        {"argv": ["/bin/ls"], "arguments": {"Name": "a"}},
        {"argv": ["/bin/ls"], "timeout": 0},
        {"argv": ["/bin/ls"], "cwd": "here"},
        {"argv": ["/bin/ls"], "shell": True},
        {"argv": ["/bin/ls", "a\x00b"]},
    ],
)
def test_a_setting_that_is_wrong_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match="TANDEM_COMMANDS"):
        parsed({"wrong": wrong})


def test_the_check_of_a_deployment_tells_of_it(settings: Settings) -> None:
    settings.TANDEM_COMMANDS = {"fine": {"argv": ["/bin/ls"]}}
    assert commands_are_usable() == []
    settings.TANDEM_COMMANDS["wrong"] = {"argv": ["ls"]}
    [problem] = commands_are_usable()
    assert problem.msg.startswith("TANDEM_COMMANDS['wrong'] is not usable: argv:")


def test_nothing_of_the_workers_environment_is_passed_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:secret@host/name")
    code = "import os, sys; print(sorted(os.environ.items()), os.getcwd(), repr(sys.stdin.read()))"
    settings.TANDEM_COMMANDS = {"env": python(code, env={"REGION": "eu"}, cwd="/usr")}
    output = run_job("command.run", command="env")["output"]
    assert "secret" not in output
    assert "('REGION', 'eu')" in output
    assert output.endswith("/usr ''\n")


def test_an_exit_code_is_a_failure_with_the_end_of_what_it_said(settings: Settings) -> None:
    code = "import sys; sys.stderr.write('x' * 200_000 + ' disk \\x00 full'); sys.exit(3)"
    settings.TANDEM_COMMANDS = {"fail": python(code)}
    with pytest.raises(CommandFailed) as failed:
        run_job("command.run", command="fail")
    assert failed.value.detail.startswith("fail ended with exit code 3: xxx")
    assert failed.value.detail.endswith("disk \\u0000 full")
    assert len(failed.value.detail) < 2100


def test_a_signal_is_a_failure(settings: Settings) -> None:
    settings.TANDEM_COMMANDS = {"die": python("import os; os.kill(os.getpid(), 9)")}
    with pytest.raises(CommandFailed, match="ended by signal 9"):
        run_job("command.run", command="die")


def test_output_is_bounded_and_never_holds_the_program_back(settings: Settings) -> None:
    code = "import sys; sys.stdout.write('a' * 3_000_000); sys.stderr.write('b' * 3_000_000 + 'c'); print('d')"
    settings.TANDEM_COMMANDS = {"loud": python(code)}
    result = run_job("command.run", command="loud")
    assert (result["output"], result["errors"]) == ("a" * 100_000, "b" * 99_999 + "c")
    assert result["cut"] is True


def test_bytes_that_are_no_text_can_be_kept(settings: Settings) -> None:
    settings.TANDEM_COMMANDS = {"odd": python("import sys; sys.stdout.buffer.write(b'\\xff\\x00ok')")}
    assert run_job("command.run", command="odd")["output"] == "\ufffd\\u0000ok"


def test_a_program_that_is_not_there_cannot_be_started(settings: Settings) -> None:
    settings.TANDEM_COMMANDS = {"gone": {"argv": ["/nonexistent/program"]}, "folder": {"argv": ["/usr"]}}
    for name in ("gone", "folder"):
        with pytest.raises(NotStarted, match="cannot be started"):
            run_job("command.run", command=name)


# A program that ignores SIGTERM, starts a child in the same group, writes both ids to a file, and waits.
FAMILY = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(sys.argv[1], "w") as file:
    file.write(f"{os.getpid()} {child.pid}")
os.rename(sys.argv[1], sys.argv[1] + ".ready")
time.sleep(600)
"""


def await_end(pids: Path) -> None:
    """Return once the processes that the file names have ended: a kill is not immediate."""
    while any(is_running(int(pid)) for pid in pids.read_text().split()):
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    """Whether the process runs. A zombie, which in some containers nobody collects, does not count."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_cancelling_the_task_ends_the_whole_process_group(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "GRACE_SECONDS", 0.2)
    ready = tmp_path / "pids.ready"
    settings.TANDEM_COMMANDS = {"family": python(FAMILY, str(tmp_path / "pids"))}
    with pytest.raises(Cancelled):
        run_job("command.run", Recorder(ready.exists), command="family")
    await_end(ready)


@pytest.mark.parametrize(("configured", "asked"), [(3600, 0.2), (0.2, 3600)])
def test_a_program_beyond_its_time_limit_is_ended(settings: Settings, configured: float, asked: float) -> None:
    settings.TANDEM_COMMANDS = {"slow": python("import time; time.sleep(600)", timeout=configured)}
    with pytest.raises(TimedOut, match=r"slow: It did not end within 0\.2 s"):
        run_job("command.run", command="slow", timeout=asked)


def test_a_program_may_clean_up_after_sigterm(settings: Settings, tmp_path: Path) -> None:
    code = (
        "import pathlib, signal, sys, time\n"
        "def stop(*_): pathlib.Path(sys.argv[1] + '.clean').touch(); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, stop); pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
    )
    settings.TANDEM_COMMANDS = {"polite": python(code, str(tmp_path / "started"))}
    with pytest.raises(Cancelled):
        run_job("command.run", Recorder((tmp_path / "started").exists), command="polite")
    assert (tmp_path / "started.clean").exists()


def test_what_a_program_leaves_running_ends_with_it(settings: Settings, tmp_path: Path) -> None:
    code = "import subprocess, sys; print(subprocess.Popen(['/bin/sleep', '600']).pid)"
    settings.TANDEM_COMMANDS = {"leaves": python(code)}
    result = run_job("command.run", command="leaves")
    pids = tmp_path / "pids"
    pids.write_text(result["output"])
    await_end(pids)


def test_an_exception_in_the_job_ends_the_program(tmp_path: Path) -> None:
    ready = tmp_path / "pids.ready"

    def interrupted() -> bool:
        if ready.exists():
            raise InterruptedError
        return False

    with pytest.raises(InterruptedError):
        process.run(
            [sys.executable, "-c", FAMILY, str(tmp_path / "pids")],
            env=os.environ,
            cwd="/",
            timeout=60,
            cancelled=interrupted,
            most_bytes=100,
        )
    await_end(ready)


def test_a_worker_that_is_killed_leaves_no_program(tmp_path: Path) -> None:
    started = tmp_path / "started"
    program = f"import os, pathlib, time; pathlib.Path({str(started)!r}).write_text(str(os.getpid())); time.sleep(600)"
    worker = (
        "import pathlib, os, signal, sys\n"
        "from jobs import process\n"
        f"ready = lambda: pathlib.Path({str(started)!r}).exists() and os.kill(os.getpid(), signal.SIGKILL)\n"
        f"argv = [sys.executable, '-c', {program!r}]\n"
        "process.run(argv, env={}, cwd='/', timeout=60, cancelled=ready, most_bytes=1)"
    )
    done = subprocess.run([sys.executable, "-c", worker], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == -signal.SIGKILL
    await_end(started)
