"""Tandem beside a team's own applications and user model. Each test runs a new process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def manage(var: Path, *words: str, settings: str = "tests.team.settings", **variables: str) -> str:
    """The output of a management command of the team's project."""
    environment = {
        **{name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
        "DJANGO_SETTINGS_MODULE": settings,
        "DATABASE_URL": f"sqlite:///{var / 'team.sqlite3'}",
        "TANDEM_VAR": str(var),
        **variables,
    }
    done = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_user_model_of_ones_own_gets_its_admin_its_tokens_and_its_roles(tmp_path: Path) -> None:
    # The team's application has no migrations: its table is made from the model.
    manage(tmp_path, "migrate", "--run-syncdb", "--no-input", "-v", "0")
    said = json.loads(manage(tmp_path, "bootstrap"))
    assert said["user"] == "admin"
    assert json.loads(manage(tmp_path, "bootstrap")) == said
    token = manage(tmp_path, "create_token", "ada@example.org", "--role", "operator").strip()
    check = (
        "from api.authentication import token_of; from scheduling.roles import role_of; "
        f"user = token_of(b'{token}').user; "
        "print(user.get_username(), role_of(user).name)"
    )
    assert manage(tmp_path, "shell", "-v", "0", "-c", check).split() == ["ada@example.org", "OPERATOR"]


@pytest.mark.parametrize("app", ["tests.team.api", "tests.team.core.api", "tests.team.jobs"])
def test_an_application_may_have_a_label_that_tandem_uses_with_a_prefix(tmp_path: Path, app: str) -> None:
    manage(tmp_path, "check", settings="settings.development", TANDEM_APPS=app)
