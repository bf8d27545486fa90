"""`manage.py probe` as a health check runs it: as a process, without Django."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from scheduling import rounds

# Python's own parts that a probe loads beside what any start of Python loads, and ours.
MOST_MODULES = 40
LISTED = """
import sys
before = set(sys.modules)
import atexit
atexit.register(lambda: print(*sorted(set(sys.modules) - before), sep="\\n"))
sys.argv = ["manage.py", "probe", "beat"]
import manage
manage.main()
"""


def asked(*words: str, var: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], "TANDEM_VAR": str(var)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_line_and_an_exit_code_say_how_it_is(tmp_path: Path) -> None:
    done = asked("manage.py", "probe", "beat", var=tmp_path)
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (1, 1, "")
    own = rounds.RoundFile(str(tmp_path / rounds.FOLDER), "beat")
    done = asked("manage.py", "probe", "beat", var=tmp_path)
    assert done.stdout.startswith("beat is well: its loop came round ")
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1, "")
    own.close()


def test_a_probe_loads_a_few_modules_and_nothing_of_others(tmp_path: Path) -> None:
    # What measures the coverage of tests loads more.
    listed = asked("-I", "-S", "-c", f"import sys; sys.path.insert(0, '.'){LISTED}", var=tmp_path).stdout.splitlines()
    loaded = [name for name in listed if not name.endswith(".")]
    ours = {name for name in loaded if name.split(".")[0] in ("scheduling", "settings", "manage")}
    assert ours == {"manage", "scheduling", "scheduling.probe", "scheduling.rounds"}
    assert {name.split(".")[0] for name in loaded} - ours <= sys.stdlib_module_names | {"scheduling"}
    assert len(loaded) <= MOST_MODULES


def test_djangos_own_way_to_commands_answers_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("probe", "worker")
    assert ended.value.code == 1
    assert "No worker runs" in capsys.readouterr().out
