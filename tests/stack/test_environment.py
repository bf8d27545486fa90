"""The environment that dev.py makes in `.venv`, mends, and makes again."""

from __future__ import annotations

import fcntl
import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from stack.environment import Failure, _usable, environment

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose requirements are empty, so that no package index is asked."""
    (tmp_path / "requirements").mkdir()
    for name in ("run", "dev"):
        (tmp_path / "requirements" / f"{name}.txt").write_text("# nothing\n")
    return tmp_path


def make_without_pip(checkout: Path) -> None:
    """Half an environment, as Debian without python3-venv makes it: pip works on it from outside."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(checkout / ".venv")], check=True)


def stamp_of(checkout: Path) -> dict[str, str]:
    stamp: dict[str, str] = json.loads((checkout / ".venv" / "tandem.json").read_text())
    return stamp


def works(python: Path) -> bool:
    command = [str(python), "-c", "import sys; print(sys.prefix)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == str(python.parents[1])


def test_the_environment_is_made_once_then_mended_then_made_again(
    checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    python = environment(checkout, "run")
    assert works(python)
    assert stamp_of(checkout)["python"] == platform.python_version()
    assert capsys.readouterr().out == "Making the environment in .venv; this takes a minute.\n"

    assert environment(checkout, "run") == python
    assert capsys.readouterr().out == ""

    for change in (checkout / "requirements" / "run.txt", checkout / ".venv" / "tandem.json"):
        change.write_text("# {half of something\n")
        environment(checkout, "run")
        assert capsys.readouterr().out == "The environment in .venv is incomplete or out of date: mending it.\n"

    environment(checkout, "dev")
    assert "mending" in capsys.readouterr().out
    environment(checkout, "run")
    assert capsys.readouterr().out == ""

    python.unlink()
    python.symlink_to(checkout / "gone")
    # As on Debian without python3-venv, which takes less time: pip works on it from outside.
    (checkout / "ensurepip.py").write_text("raise ImportError\n")
    monkeypatch.setenv("PYTHONPATH", str(checkout))
    assert works(environment(checkout, "run"))
    assert "making it again" in capsys.readouterr().out


def test_a_package_that_cannot_be_installed_is_shown_with_what_to_do(checkout: Path) -> None:
    make_without_pip(checkout)
    (checkout / "requirements" / "run.txt").write_text(f"./absent-1-py3-none-any.whl --hash=sha256:{'0' * 64}\n")
    with pytest.raises(Failure, match=r"(?s)absent-1.*could not be installed.*try again"):
        environment(checkout, "run")
    assert not (checkout / ".venv" / "tandem.json").exists()


def test_a_second_dev_py_waits_for_the_first_and_says_so(checkout: Path) -> None:
    make_without_pip(checkout)
    (checkout / "var").mkdir()
    code = "import sys; from stack.environment import *; environment(Path(sys.argv[1]), 'run')"
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


def a_package(checkout: Path) -> Path:
    """An installed package `one`: one module, and the record that pip keeps of it."""
    [packages] = (checkout / ".venv").glob("lib/python*/site-packages")
    metadata = packages / "one-1.dist-info"
    metadata.mkdir()
    (metadata / "RECORD").write_text('one.py,sha256=x,0\n__pycache__/one.cpython-311.pyc,,\n"a,b.py",,\n')
    for name in ("one.py", "a,b.py"):
        (packages / name).touch()
    return packages


@pytest.mark.parametrize("missing", ["one.py", "a,b.py", "one-1.dist-info/RECORD"])
def test_an_environment_that_lacks_a_file_is_not_usable(checkout: Path, missing: str) -> None:
    make_without_pip(checkout)
    packages = a_package(checkout)
    assert _usable(checkout)
    (packages / missing).unlink()
    assert not _usable(checkout)


def test_a_file_in_the_place_of_the_environment_is_left_alone(checkout: Path) -> None:
    (checkout / ".venv").write_text("mine")
    with pytest.raises(Failure, match=r"\.venv is a file.* move it away"):
        environment(checkout, "run")
    assert (checkout / ".venv").read_text() == "mine"


def test_a_link_is_never_followed_to_delete_what_it_leads_to(checkout: Path, tmp_path: Path) -> None:
    (elsewhere := tmp_path / "elsewhere").mkdir()
    (elsewhere / "mine").touch()
    (checkout / ".venv").symlink_to(elsewhere)
    with pytest.raises(Failure, match="remove the link"):
        environment(checkout, "run")
    assert (elsewhere / "mine").exists()


def test_a_folder_that_cannot_be_written_is_named(checkout: Path) -> None:
    (checkout / "var").touch()
    with pytest.raises(Failure, match=rf"{checkout}/var: File exists\. Mend that"):
        environment(checkout, "run")


def test_a_stamp_that_cannot_be_written_is_named(checkout: Path) -> None:
    make_without_pip(checkout)
    (checkout / ".venv" / "tandem.json").mkdir()
    with pytest.raises(Failure, match=r"tandem\.json: Is a directory"):
        environment(checkout, "run")
