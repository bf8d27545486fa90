"""Tandem beside a team's own applications and user model. Each test runs a new process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.warm import processes as warm

ROOT = Path(__file__).parents[2]
# The team's application has no migrations: its table is made from the model.
COMMANDS = """
import io, json
from django.core.management import call_command
from api.authentication import token_of
from scheduling.roles import role_of
call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
call_command("bootstrap")
call_command("bootstrap")
call_command("create_token", "ada@example.org", role="operator", stdout=(made := io.StringIO()))
user = token_of(made.getvalue().strip().encode()).user
print(json.dumps([user.get_username(), role_of(user).name]))
"""

# `celery -A shop ...` makes the team's own Celery application before Django loads ours.
OF_THE_TEAM = """
from threading import Thread
from celery import Celery, current_app
shop = Celery("shop", broker="memory://")
shop.set_default()
import django
django.setup()
from backends.queue.tasks import run
names = [current_app.main, run.app.main]
thread = Thread(target=lambda: names.append(current_app.main))
thread.start()
thread.join()
print(*names)
"""
OURS = OF_THE_TEAM.replace('shop = Celery("shop", broker="memory://")\nshop.set_default()\n', "")


def manage(var: Path, *words: str, settings: str = "tests.team.settings", **variables: str) -> str:
    """The output of a management command of the team's project."""
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        "DJANGO_SETTINGS_MODULE": settings,
        "DATABASE_URL": f"sqlite:///{var / 'team.sqlite3'}",
        "TANDEM_VAR": str(var),
        **variables,
    }
    done = warm.run(["manage.py", *words], environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_user_model_of_ones_own_gets_its_admin_its_tokens_and_its_roles(tmp_path: Path) -> None:
    said = manage(tmp_path, "shell", "-v", "0", "-c", COMMANDS).splitlines()
    first, second, known = map(json.loads, said)
    assert first["user"] == "admin"
    assert second == first
    assert known == ["ada@example.org", "OPERATOR"]


@pytest.mark.parametrize("app", ["tests.team.api", "tests.team.core.api", "tests.team.jobs"])
def test_an_application_may_have_a_label_that_tandem_uses_with_a_prefix(tmp_path: Path, app: str) -> None:
    manage(tmp_path, "check", settings="settings.development", TANDEM_APPS=app)


@pytest.mark.parametrize(("process", "apps"), [(OF_THE_TEAM, "shop tandem shop"), (OURS, "tandem tandem tandem")])
def test_a_process_of_another_celery_application_keeps_it(tmp_path: Path, process: str, apps: str) -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "settings.development", "TANDEM_VAR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", process], cwd=ROOT, env=environment, capture_output=True, check=False)
    assert done.stdout.decode().split() == apps.split(), done.stderr
