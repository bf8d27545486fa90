"""The chaos drill as a command: it starts a whole stack, does harm once, and finds nothing wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest
from django.conf import settings


@pytest.mark.drill
@pytest.mark.live
@pytest.mark.timeout(600)
def test_half_a_minute_of_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--minutes", "0.5", "--seed", "1"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
