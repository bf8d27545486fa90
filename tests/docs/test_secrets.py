"""docs/secrets.md is run: its example, its command for a key, and the sizes that it names."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from cryptography.fernet import Fernet
from pytest_django import Settings

from scheduling import secret_values
from scheduling.management.commands.secret import Command
from tests.api.conformance import CheckedClient
from tests.api.conftest import crontab, operator
from tests.docs.pages import DOCS, examples

__all__ = ["crontab", "operator"]

PAGE = (DOCS / "secrets.md").read_text(encoding="utf-8")


def test_the_example_is_stored_where_the_secret_is_known(
    operator: CheckedClient, crontab: Path, settings: Settings
) -> None:
    [body] = examples(PAGE, "secret")
    refused = operator.post("/api/schedules/", body, format="json")
    assert [one["code"] for one in refused.json()["errors"]] == ["unknown_secret"]
    settings.TANDEM_SECRETS = {"shop-token": "Bearer s3cr3t"}
    stored = operator.post("/api/schedules/", body, format="json")
    assert stored.status_code == 201
    assert stored.json()["parameters"] == body["parameters"]


def test_the_command_makes_a_key() -> None:
    found = re.search(r'^    python -c "(.+)"$', PAGE, re.MULTILINE)
    assert found
    made = subprocess.run([sys.executable, "-I", "-c", found[1]], capture_output=True, check=True)
    box = Fernet(made.stdout.strip())
    assert box.decrypt(box.encrypt(b"value")) == b"value"


def test_the_names_are_those_of_the_code() -> None:
    assert secret_values.SHORTEST == 6
    assert "at least six characters" in PAGE
    verbs = {word for found in re.findall(r"\{([a-z,]+)\}", usage()) for word in found.split(",")}
    assert set(re.findall(r"`manage\.py secret (\w+)", PAGE)) == verbs


def usage() -> str:
    return Command().create_parser("manage.py", "secret").format_usage()
