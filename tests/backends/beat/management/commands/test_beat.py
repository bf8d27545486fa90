"""`manage.py beat` as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[5]
# Told to end in the middle of the import of the scheduler.
TOLD_TO_END = """
import os, runpy, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "backends.beat.foreign_scheduler":
            os.kill(os.getpid(), signal.SIGTERM)

sys.meta_path.insert(0, Finder())
sys.argv = ["manage.py", "beat"]
runpy.run_path("manage.py", run_name="__main__")
"""


def test_one_that_is_told_to_end_while_it_loads_ends_without_an_error(tmp_path: Path) -> None:
    there = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "settings.development",
        "DATABASE_URL": f"sqlite:///{tmp_path}/nothing.sqlite3",
        "TANDEM_VAR": str(tmp_path),
    }
    command = [sys.executable, "-c", TOLD_TO_END]
    done = subprocess.run(command, cwd=ROOT, env=there, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")
