"""What .dockerignore lets into an image, compared with the files that git keeps."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import PurePath

import pytest
from django.conf import settings

from tests.deployment.tools import ROOT

LINES = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
# The packages that a checkout needs and an image does not.
CHECKOUT_ONLY = {"benchmarks", "stack", "tests"}


def _expression(pattern: str) -> re.Pattern[str]:
    """A pattern as Docker reads it (https://docs.docker.com/build/concepts/context/#syntax): for a file or a folder."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern.strip("/"))
    said = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(said.get(part, re.escape(part)) for part in parts) + "(?:/.*)?")


RULES = [
    (_expression(line.removeprefix("!")), line.startswith("!")) for line in LINES if line and not line.startswith("#")
]


def is_in(path: str) -> bool:
    """Whether the image gets this file of the checkout: the last line that matches decides."""
    found = True
    for expression, wanted in RULES:
        if expression.fullmatch(path):
            found = wanted
    return found


def in_image() -> Iterator[str]:
    """Every file of this checkout that an image would get now."""
    for folder, names, files in os.walk(ROOT):
        # Not into what cannot hold one: `.venv` alone has tens of thousands.
        names[:] = [name for name in names if not name.startswith(".") and name != "__pycache__"]
        for file in files:
            path = str(PurePath(folder, file).relative_to(ROOT))
            if is_in(path):
                yield path


def kept_by_git() -> set[str]:
    """Also what is new and not yet added."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return set(subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines())


def test_an_image_holds_nothing_that_git_does_not_keep() -> None:
    assert set(in_image()) - kept_by_git() == set()


def test_every_package_is_in_the_image_as_a_whole() -> None:
    kept = {path for path in kept_by_git() if (ROOT / path).exists()}
    packages = {path.split("/")[0] for path in kept if path.endswith("/__init__.py")} - CHECKOUT_ONLY
    assert {app.split(".")[0] for app in settings.INSTALLED_APPS if (ROOT / app.split(".")[0]).is_dir()} <= packages
    wanted = {path for path in kept if path.split("/")[0] in packages | {"docker", "requirements"}}
    wanted |= {"LICENSE", "manage.py", "pyproject.toml"}
    assert set(in_image()) == wanted


def test_a_new_package_needs_no_new_line() -> None:
    assert all(is_in(f"shop/{name}") for name in ("__init__.py", "models.py", "static/shop.css", "data/zones.json"))
    named = {line.strip("!/*") for line in LINES if not line.startswith("#")}
    assert not named & {app.split(".")[0] for app in settings.INSTALLED_APPS}


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".git/config",
        ".venv/bin/python",
        "api/.env",
        "api/__pycache__/urls.cpython-313.pyc",
        "before.sql",
        "dashboard/private.key",
        "docker-compose.redis.yml",
        "jobs/dump.sqlite3-wal",
        "notes.txt",
        "secrets/secret_key",
        "secrets.old/database_url",
        "tandem.env",
        "tests/conftest.py",
        "var/broker.sock",
        "var/files/customers.csv",
    ],
)
def test_secrets_data_and_tests_stay_outside(path: str) -> None:
    assert not is_in(path)
