"""Production and staging refuse unsafe defaults, and each refusal says what to write."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.warm import processes as warm

ROOT = Path(__file__).resolve().parent.parent.parent
WHOLE = {
    "SECRET_KEY": "0123456789" * 5,
    "ALLOWED_HOSTS": "tandem.example",
    "DATABASE_URL": "postgresql://tandem:hunter2@127.0.0.1:1/tandem",
    "BROKER_URL": "redis://:hunter2@127.0.0.1:1/0",
    "TANDEM_CRONTAB": "none",
}
# The agent and the others begin with the checks that they ask for.
LOADED = """
import sys, django; django.setup()
from django.core.management import load_command_class
for name in "crontab_agent", "cron_runner", "crontab":
    command = load_command_class("backends.crontab", name)
    wanted = command.requires_system_checks
    command.check(tags=None if wanted == "__all__" else wanted)
print("loaded", *{"rest_framework.fields", "drf_spectacular.openapi", "dashboard.urls"} & sys.modules.keys())
"""


def start(variables: dict[str, str], settings: str = "settings.production") -> tuple[int, str]:
    """Load the settings in a new process. Returns its exit code and output, which tells if it loaded REST as well."""
    env = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": settings, **variables}
    done = warm.run(["-c", LOADED], env)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("settings", ["settings.production", "settings.staging"])
def test_it_starts_with_everything_set_and_without_what_only_requests_need(settings: str) -> None:
    assert start(WHOLE, settings) == (0, "loaded\n")


def test_secrets_may_come_from_files(tmp_path: Path) -> None:
    files = {}
    for name in ("SECRET_KEY", "DATABASE_URL", "BROKER_URL"):
        (tmp_path / name).write_text(f"{WHOLE[name]}\n")
        files[f"{name}_FILE"] = str(tmp_path / name)
    rest = {name: value for name, value in WHOLE.items() if f"{name}_FILE" not in files}
    assert start(rest | files) == (0, "loaded\n")


def test_staging_refuses_what_production_refuses() -> None:
    code, said = start(WHOLE | {"BROKER_URL": "embedded:"}, "settings.staging")
    assert code == 1
    assert "BROKER_URL names the embedded broker" in said


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_production_names_what_is_missing(name: str) -> None:
    code, said = start({key: value for key, value in WHOLE.items() if key != name})
    assert code == 1
    assert f"ImproperlyConfigured: {name} is not set. Write " in said
    assert "hunter2" not in said


REFUSED = [
    ({"SECRET_KEY": "short"}, "SECRET_KEY is too short"),
    ({"SECRET_KEY": "a" * 50}, "SECRET_KEY repeats a few characters"),
    (
        {"SECRET_KEY": "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz"},
        "SECRET_KEY is the one that `startproject`",
    ),
    ({"BROKER_URL": "redis://broker:6379/0"}, "BROKER_URL has no password"),
    ({"DATABASE_URL": "postgresql://postgres:postgres@h/tandem"}, "DATABASE_URL has a default password"),
    ({"DATABASE_URL": "sqlite:////tmp/x.sqlite3"}, "DATABASE_URL names SQLite"),
    ({"BROKER_URL": "embedded:"}, "BROKER_URL names the embedded broker"),
    ({"BROKER_URL": "kafka://hunter2"}, "BROKER_URL is not usable"),
    ({"BROKER_URL": "amqp://guest:guest@h/"}, "BROKER_URL has a default password"),
    ({"BROKER_QUEUE_TYPE": "hunter2"}, "BROKER_QUEUE_TYPE is not usable: write one of classic, quorum"),
    ({"ALLOWED_HOSTS": "a.example,*"}, "ALLOWED_HOSTS is *"),
    ({"TANDEM_HTTP_INTERNAL_HOSTS": "169.254.169.254"}, "TANDEM_HTTP_INTERNAL_HOSTS is not usable"),
    ({"LOG_FORMAT": "xml"}, "LOG_FORMAT is not usable: write one of text, short, json"),
    ({"TOKEN_DAYS": "many"}, "TOKEN_DAYS is not usable: write a whole number from 1 to 3650"),
]


@pytest.mark.parametrize(("wrong", "said"), REFUSED)
def test_production_refuses_what_does_not_belong_there(wrong: dict[str, str], said: str) -> None:
    code, output = start(WHOLE | wrong)
    assert code == 1
    assert said in output
    assert "hunter2" not in output


@pytest.mark.parametrize("settings", ["settings.production", "settings.staging"])
def test_the_checks_for_deployment_have_nothing_to_say(settings: str) -> None:
    variables = WHOLE | {"EMAIL_URL": "submission://u:hunter2@127.0.0.1:1", "SECURE_HSTS_SECONDS": "3600"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", "check", "--deploy", "--fail-level", "INFO"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": settings, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.startswith("System check identified no issues")


def test_development_needs_no_variable_and_keeps_its_key_to_itself(tmp_path: Path) -> None:
    assert start({"TANDEM_VAR": str(tmp_path / "var")}, "settings.development") == (0, "loaded\n")
    key = tmp_path / "var" / "secret-key"
    assert key.stat().st_mode & 0o777 == 0o600
    before = key.read_text()
    start({"TANDEM_VAR": str(tmp_path / "var")}, "settings.development")
    assert key.read_text() == before
