"""What `manage.py due` loads where nothing is due."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backends.crontab import look
from settings.looking import only_looks
from tests.backends.crontab.test_processes import ROOT, database_url

# Each of them costs a tenth of a second of CPU or more, in each minute, on each host.
HEAVY = (
    "billiard",
    "celery",
    "channels",
    "daphne",
    "django_celery_beat",
    "drf_spectacular",
    "kombu",
    "pydantic",
    "redis",
    "rest_framework",
    "uvicorn",
)
LISTED = """
import atexit, sys
atexit.register(lambda: print(*sorted(sys.modules), sep="\\n"))
sys.argv = ["manage.py", "due"]
import manage
manage.main()
"""


@pytest.mark.parametrize(
    ("words", "looks"),
    [
        (["/srv/tandem/manage.py", "due"], True),
        (["manage.py", "due", "--run"], False),
        (["manage.py", "check"], False),
        (["pytest", "due"], False),
        ([], False),
    ],
)
def test_only_the_bare_command_looks(words: list[str], looks: bool) -> None:
    assert only_looks(words) is looks


@pytest.mark.django_db(transaction=True)
def test_a_wake_up_that_finds_nothing_loads_nothing_heavy(tmp_path: Path) -> None:
    own = {"DATABASE_URL": database_url(), "TANDEM_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "settings.test"}
    # No table, so that none is to be renewed.
    environment = {**os.environ, **own, "TANDEM_CRONTAB": "none"}
    done = subprocess.run(
        [sys.executable, "-c", LISTED], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert look.__name__ in done.stdout.split()
    assert loaded.isdisjoint(HEAVY)
    assert loaded.isdisjoint({"api", "jobs"})
