"""dev.py: the environment it makes, its counts of tests, and its messages."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

import dev

ROOT = Path(dev.__file__).parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose requirements are empty, so that no package index is asked."""
    (tmp_path / "requirements").mkdir()
    for name in ("run", "dev"):
        (tmp_path / "requirements" / f"{name}.txt").write_text("# nothing\n")
    return tmp_path


def make_without_pip(checkout: Path) -> None:
    """Make an environment without pip, as Debian does without python3-venv. pip installs into it from outside."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(checkout / ".venv")], check=True)


def stamp_of(checkout: Path) -> dict[str, str]:
    stamp: dict[str, str] = json.loads((checkout / ".venv" / "tandem.json").read_text())
    return stamp


def works(python: Path) -> bool:
    command = [str(python), "-c", "import sys; print(sys.prefix)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == str(python.parents[1])


def dev_py(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "dev.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_environment_is_made_once_then_repaired_then_made_again(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python = dev.environment(checkout, "run")
    assert works(python)
    assert stamp_of(checkout)["python"] == platform.python_version()
    assert capsys.readouterr().out == "Making the environment in .venv; this takes a minute.\n"

    assert dev.environment(checkout, "run") == python
    assert capsys.readouterr().out == ""

    for change in (checkout / "requirements" / "run.txt", checkout / ".venv" / "tandem.json"):
        change.write_text("# {half of something\n")
        dev.environment(checkout, "run")
        assert capsys.readouterr().out == "The environment in .venv is incomplete or out of date: mending it.\n"

    dev.environment(checkout, "dev")
    assert "mending" in capsys.readouterr().out
    dev.environment(checkout, "run")
    assert capsys.readouterr().out == ""

    python.unlink()
    python.symlink_to(checkout / "gone")
    assert works(dev.environment(checkout, "run"))
    assert "making it again" in capsys.readouterr().out


def test_a_package_that_cannot_be_installed_is_shown_with_what_to_do(checkout: Path) -> None:
    make_without_pip(checkout)
    (checkout / "requirements" / "run.txt").write_text(f"./absent-1-py3-none-any.whl --hash=sha256:{'0' * 64}\n")
    with pytest.raises(dev.Failure, match=r"(?s)absent-1.*could not be installed.*try again"):
        dev.environment(checkout, "run")
    assert not (checkout / ".venv" / "tandem.json").exists()


def test_a_second_dev_py_waits_for_the_first_and_says_so(checkout: Path) -> None:
    make_without_pip(checkout)
    (checkout / "var").mkdir()
    code = "import sys; from pathlib import Path; import dev; dev.environment(Path(sys.argv[1]), 'run')"
    with (checkout / "var" / "environment.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = subprocess.Popen(
            [sys.executable, "-c", code, str(checkout)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert second.stdout is not None
        assert second.stdout.readline() == "Another dev.py is preparing .venv: waiting for it.\n"
        assert not (checkout / ".venv" / "tandem.json").exists()
    rest, _ = second.communicate()
    assert rest == "The environment in .venv is incomplete or out of date: mending it.\n"
    assert stamp_of(checkout)


def a_suite(folder: Path, name: str, text: str) -> list[str]:
    (folder / name).mkdir()
    (folder / name / "test_it.py").write_text(text)
    words = ["-q", "-p", "no:django", "-p", "no:valkey", "-p", "no:cacheprovider", "--rootdir", str(folder / name)]
    return [sys.executable, "-m", "pytest", "-c", os.devnull, *words, str(folder / name)]


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
    assert all(f"  {name} " in shown for name in ("up", "test", "drill", "check", "fmt", "bench", "lock"))


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
    # -I -S: neither site-packages nor the working directory.
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "dev.py"), "--help"], capture_output=True, check=False
    )
    assert done.returncode == 0


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
