"""Development needs no variable, and finds the broker of an `up` beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from stack.broker_address import offered

ROOT = Path(__file__).resolve().parent.parent.parent


def broker_url(var: Path, **changes: str) -> str:
    code = "from settings import development; print(development.BROKER_URL)"
    env = {"PATH": os.environ["PATH"], "TANDEM_VAR": str(var), **changes}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_broker_is_that_of_the_up_that_runs_unless_it_is_named(tmp_path: Path) -> None:
    (named := tmp_path / "named").write_text("redis://127.0.0.1:3/0")
    with offered(tmp_path, "redis://127.0.0.1:1/0"):
        assert broker_url(tmp_path) == "redis://127.0.0.1:1/0"
        assert broker_url(tmp_path, BROKER_URL="redis://127.0.0.1:2/0") == "redis://127.0.0.1:2/0"
        assert broker_url(tmp_path, BROKER_URL_FILE=str(named)) == "redis://127.0.0.1:3/0"
    assert broker_url(tmp_path) == "embedded:"
