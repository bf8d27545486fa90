"""What `manage.py due` loads where nothing is due, and what a beat loads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backends.crontab import look
from settings.loaded_apps import is_beat, of_beat, only_looks
from tests.backends.crontab.test_processes import ROOT, database_url

# Each of them costs a tenth of a second of CPU or more, in each minute, on each host.
HEAVY = (
    "billiard",
    "celery",
    "channels",
    "cryptography",
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
# A third of the memory of a beat. It hands tasks over; it answers no request and runs no job.
NOT_OF_BEAT = (
    "click_repl",
    "cryptography",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "flower",
    "heroicons",
    "prompt_toolkit",
    "pydantic",
    "rest_framework",
    "sqlite3",
    "uvicorn",
    "whitenoise",
)
# As `manage.py beat` does it, up to the first tick.
LOADED_BY_BEAT = """
import sys
sys.argv = ["manage.py", "beat"]
import django
django.setup()
from backends.beat.management.commands import beat
beat.current_app.loader.init_worker()
beat.current_app.finalize()
import backends.beat.scheduler
from scheduling.executor import executor, executor_names
for name in executor_names():
    executor(name)
print(*sorted(sys.modules), sep="\\n")
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


@pytest.mark.parametrize(
    ("words", "beat"),
    [
        (["manage.py", "beat"], True),
        (["/venv/lib/celery/__main__.py", "-A", "settings.celery", "beat", "-l", "INFO"], True),
        (["/usr/bin/celery", "--quiet", "--app=settings.celery", "beat"], True),
        (["celery", "-A", "beat", "worker"], False),
        (["celery", "-A", "settings.celery", "worker", "-n", "beat"], False),
        (["manage.py", "doctor"], False),
        (["pytest", "beat"], False),
        ([], False),
    ],
)
def test_a_beat_is_known_by_its_command(words: list[str], beat: bool) -> None:
    assert is_beat(words) is beat


def test_a_beat_keeps_what_a_team_may_build_upon() -> None:
    apps = ["django.contrib.auth", "rest_framework", "scheduling", "backends.beat", "api", "theirs"]
    assert of_beat(apps, own=[]) == ["scheduling.apps.LedgerConfig", "backends.beat", "theirs"]
    kept = ["django.contrib.auth", "scheduling.apps.LedgerConfig", "backends.beat", "theirs"]
    assert of_beat(apps, own=["theirs"]) == kept


def test_a_beat_loads_neither_rest_nor_jobs_nor_a_shell(tmp_path: Path) -> None:
    own = {"TANDEM_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "settings.test", "CELERY_SKIP_CHECKS": "1"}
    own["DATABASE_URL"] = "postgresql://nobody@127.0.0.1/nothing"
    done = subprocess.run(
        [sys.executable, "-c", LOADED_BY_BEAT],
        cwd=ROOT,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "celery" in loaded
    assert loaded.isdisjoint(NOT_OF_BEAT)
    assert loaded.isdisjoint({"api", "dashboard", "jobs"})
