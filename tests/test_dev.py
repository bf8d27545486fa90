"""dev.py: the commands, the tests it counts, the messages it gives."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import dev

ROOT = Path(dev.__file__).parent


COMMANDS = ("up", "manage", "test", "drill", "check", "fmt", "bench", "lock")


def dev_py(*words: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "dev.py"), *words]
    return subprocess.run(command, env={**os.environ, **(environ or {})}, capture_output=True, text=True, check=False)


def a_suite(folder: Path, name: str, text: str) -> list[str]:
    """A pytest of its own on one file of tests. To load every plugin that is installed takes longer than all else."""
    (folder / name).mkdir()
    (folder / name / "test_it.py").write_text(text)
    words = ["-q", "-p", "no:cacheprovider", "--rootdir", str(folder / name)]
    return [
        "env",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1",
        sys.executable,
        "-m",
        "pytest",
        "-c",
        os.devnull,
        *words,
        str(folder / name),
    ]


def test_the_last_line_counts_all_runs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    mixed = "import pytest\ndef test_a(): assert 0\ndef test_b(): pass\ndef test_c(): pytest.skip('no')\n"
    broken = "import pytest\n@pytest.fixture\ndef f(): 1 / 0\ndef test_a(f): pass\n"
    fine = "def test_a(): pass\ndef test_b(): pass\n"
    runs = {name: a_suite(tmp_path, name, text) for name, text in (("A", mixed), ("B", broken), ("C", fine))}
    assert dev._run_suites(runs, []) == 1
    assert capfd.readouterr().out.splitlines()[-1] == "3 passed, 1 failed, 1 errors, 1 skipped; exit code 1"


def test_a_run_that_breaks_down_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    assert dev._run_suites({"A": [sys.executable, "-c", "raise SystemExit(3)"]}, []) == 3
    assert capfd.readouterr().out.splitlines()[-1] == "0 passed, 0 failed, 1 errors, 0 skipped; exit code 3"


def test_missing_servers_are_listed_in_the_end(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    runs = {"A": a_suite(tmp_path, "A", "def test_a(): pass\n")}
    assert dev._run_suites(runs, [("Redis", "install it")]) == 0
    assert capfd.readouterr().out.splitlines()[-2:] == [
        "Not tested, because Redis is missing: install it.",
        "1 passed, 0 failed, 0 errors, 0 skipped",
    ]


def test_the_help_names_every_command() -> None:
    shown = dev_py("--help").stdout
    assert all(f"  {name} " in shown for name in COMMANDS)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout of dev.py alone: whatever asks for an environment fails, since there are no requirements."""
    shutil.copy(ROOT / "dev.py", tmp_path)
    shutil.copytree(ROOT / "stack", tmp_path / "stack")
    return tmp_path


def without_site_packages(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-S", "-E", str(checkout / "dev.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_tells_about_itself_before_there_is_an_environment(bare: Path, name: str) -> None:
    done = without_site_packages(bare, name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: dev.py {name}")
    assert len(done.stdout.splitlines()) >= 3
    assert not (bare / ".venv").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--prot", "8001"], "unrecognized arguments: --prot 8001"),
        (["--port", "many"], "many is not a port"),
        (["--broker", "kafka"], "invalid choice: 'kafka'"),
    ],
)
def test_up_refuses_what_it_does_not_know_before_there_is_an_environment(
    bare: Path, words: list[str], says: str
) -> None:
    done = without_site_packages(bare, "up", *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert not (bare / ".venv").exists()


def test_manage_hands_all_words_to_djangos_command_line(tmp_path: Path) -> None:
    done = dev_py("manage", "migrate", "--help", environ={"TANDEM_VAR": str(tmp_path)})
    assert "usage: manage.py migrate" in done.stdout


def test_ctrl_c_lets_the_tests_end_what_they_started(tmp_path: Path) -> None:
    ends_slowly = (
        "import time\n"
        "try:\n    print('at work', flush=True)\n    while True: time.sleep(0.1)\n"
        "except KeyboardInterrupt:\n    time.sleep(0.5); print('cleaned up', flush=True)\n"
    )
    code = f"import dev, sys; sys.exit(dev._call([sys.executable, '-c', {ends_slowly!r}]))"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "at work\n"
        # As a terminal does: to the whole group.
        os.killpg(running.pid, signal.SIGINT)
        assert running.stdout.read() == "cleaned up\n"


def test_ctrl_c_while_another_prepares_the_environment_is_one_word(bare: Path) -> None:
    (bare / "requirements").mkdir()
    (bare / "requirements" / "run.txt").touch()
    (bare / "var").mkdir()
    with (bare / "var" / "environment.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        command = [sys.executable, str(bare / "dev.py"), "up"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            assert "waiting" in running.stdout.readline()
            running.send_signal(signal.SIGINT)
            _, said = running.communicate()
    assert (running.returncode, said) == (130, "\nStopped.\n")


@pytest.mark.parametrize("words", [(), ("fly",), ("check", "more"), ("fmt", "more")])
def test_what_it_does_not_know_is_refused(words: tuple[str, ...]) -> None:
    done = dev_py(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_unknown_benchmark_is_refused_with_the_known_ones() -> None:
    done = dev_py("bench", "no-such-benchmark")
    assert done.returncode == 1
    assert done.stderr.startswith("There is no such benchmark. There are:")


def test_it_needs_nothing_but_the_standard_library() -> None:
    assert without_site_packages(ROOT, "--help").returncode == 0


def test_ci_runs_the_commands_of_the_readme_and_stops_at_the_first_failure(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".ci" / "run").write_text((ROOT / ".ci" / "run").read_text())
    script = "import os, sys; print(sys.argv[1:], os.environ['CI']); sys.exit(sys.argv[1] == os.environ.get('FAILS'))"
    (tmp_path / "dev.py").write_text(script)
    command = ["bash", str(tmp_path / ".ci" / "run")]
    plain = {name: value for name, value in os.environ.items() if name != "CI"}
    good = subprocess.run(command, env=plain, capture_output=True, text=True, check=False)
    assert (good.returncode, good.stdout) == (0, "['check'] true\n['test'] true\n")
    bad = subprocess.run(command, env=plain | {"FAILS": "check"}, capture_output=True, text=True, check=False)
    assert (bad.returncode, bad.stdout) == (1, "['check'] true\n")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
