"""The pytest plugin: skipped tests are listed, and in CI they are failures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.plugin import REQUIRED

ROOT = Path(__file__).resolve().parent.parent.parent

_TESTS = """
import pytest

@pytest.mark.parametrize("n", [1, 2])
def test_skipped(n):
    pytest.skip("there is no elephant")

def test_fine():
    pass
"""


def run(folder: Path, text: str, *words: str, required: bool) -> subprocess.CompletedProcess[str]:
    """A pytest of its own on one file of tests."""
    (folder / "test_it.py").write_text(text)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "TANDEM"))}
    # To load every plugin that is installed takes longer than all else.
    env = inherited | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    env |= {REQUIRED: "1"} if required else {}
    command = [sys.executable, "-m", "pytest", "-p", "tests.servers.plugin", "-p", "xdist.plugin"]
    return subprocess.run(
        [*command, "--rootdir", str(folder), *words, "test_it.py"],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", [(), ("-n", "1")])
def test_skipped_tests_are_told_with_their_reason_before_the_closing_line(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    done = run(tmp_path, _TESTS, *words, required=False)
    assert done.returncode == 0
    assert "2 tests: there is no elephant" in done.stdout
    assert "1 passed, 2 skipped" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize("words", [(), ("-n", "1")])
def test_in_ci_a_skipped_test_is_a_failure(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run(tmp_path, _TESTS, *words, required=True)
    assert done.returncode == 1
    assert "a skipped test counts as a failure" in done.stdout


def test_in_ci_nothing_skipped_is_fine(tmp_path: Path) -> None:
    assert run(tmp_path, "def test_fine(): pass", required=True).returncode == 0


def test_a_whole_file_that_skips_itself_counts_too(tmp_path: Path) -> None:
    text = "import pytest\npytest.skip('no elephant', allow_module_level=True)"
    done = run(tmp_path, text + "\n", required=True)
    assert "no elephant" in done.stdout
    assert done.returncode != 0
