"""docs/own-image.md: the files of the page, read by Python, Django and Compose as the containers would read them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.tools import BROKERS, REQUIRED, ROOT, compose_file, tool

PAGE = (ROOT / "docs" / "own-image.md").read_text(encoding="utf-8")
FILES: dict[str, str] = dict(re.findall(r"^```[a-z]+ file=(\S+)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
OWN = {"migrate", "web", "worker", "beat", "cron"}
# What is in force in a process that has started with these files.
IN_FORCE = """
import json
import django
django.setup()
from django.apps import apps
from django.conf import settings
from django.core import checks
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from scheduling import registry
from scheduling.review.adoption import mappings
loader = MigrationLoader(None)
missing = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(graph=loader.graph)
print(json.dumps({
    "job": registry.definition("shop.count_unpaid").summary,
    "migrations": sorted(name for app, name in loader.disk_migrations if app == "shop"),
    "missing": "shop" in missing,
    "rules": [rule["backend"] for rule in settings.TANDEM_ROUTING],
    "adopted": [one.job for one in mappings()],
    "commands": list(settings.TANDEM_COMMANDS),
    "prefix": settings.EMAIL_SUBJECT_PREFIX,
    "faults": [str(one) for one in checks.run_checks(tags=["tandem"])],
}))
"""


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Tandem's checkout, as far as Compose reads it, and the page's folder beside it."""
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    for package in ("shop/shop", "shop/shop/migrations"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "tandem").mkdir()
    shutil.copytree(ROOT / "docker", tmp_path / "tandem/docker")
    for broker in BROKERS:
        shutil.copy(ROOT / compose_file(broker), tmp_path / "tandem")
    return tmp_path


def composed(folders: Path, *files: str) -> dict[str, Any]:
    """The services as Compose understands these files."""
    command = [tool("docker-compose"), "config", "--format", "json"]
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "COMPOSE_FILE": ":".join(files), **REQUIRED}
    done = subprocess.run(command, cwd=folders / "tandem", env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    return services


def image_variables() -> dict[str, str]:
    """What the page's Dockerfile sets."""
    text = FILES["shop/Dockerfile"].replace("\\\n", " ")
    return dict(re.findall(r"(\w+)=(\S+)", text[text.index("ENV ") :]))


def test_jobs_models_and_settings_of_the_page_are_in_force(folders: Path) -> None:
    variables = {
        **{name: value.replace("/app/shop", str(folders / "shop/shop")) for name, value in image_variables().items()},
        "PYTHONPATH": f"{folders / 'shop'}:{ROOT}",
        "TANDEM_VAR": str(folders / "var"),
        "SECRET_KEY": "0123456789" * 5,
        "ALLOWED_HOSTS": "x",
        "DATABASE_URL": "postgresql://tandem:a-password@127.0.0.1:1/tandem",
        "BROKER_URL": "redis://127.0.0.1:1/0",
        "TANDEM_CRONTAB": "none",
    }
    command = [sys.executable, "-c", IN_FORCE]
    done = subprocess.run(command, cwd=folders, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "job": "Count the orders that nobody has paid.",
        "migrations": ["0001_initial"],
        "missing": False,
        "rules": ["crontab", "beat", "crontab"],
        "adopted": ["http.fetch"],
        "commands": ["list"],
        "prefix": "[Shop] ",
        "faults": [],
    }


@pytest.mark.parametrize("broker", BROKERS)
def test_all_services_take_the_images_of_the_page_and_two_build_them(folders: Path, broker: str) -> None:
    services = composed(folders, compose_file(broker), "../shop/compose.yml")
    images = {name: services[name]["image"] for name in OWN}
    assert images == dict.fromkeys(OWN, "shop/app:1") | {"cron": "shop/cron:1"}
    for name, base in {"migrate": "app", "cron": "cron"}.items():
        build = services[name]["build"]
        assert (build["context"], build["args"]["BASE"]) == (str(folders / "shop"), base)
        # A stage of Tandem's Dockerfile.
        assert "target" not in build
    text = FILES["shop/Dockerfile"]
    assert text.startswith("ARG TANDEM=0.1.0\nARG BASE=app\nFROM tandem/${BASE}:${TANDEM}\n")


def test_the_mounted_folder_is_where_the_image_has_it(folders: Path) -> None:
    services = composed(folders, compose_file("redis"), "../shop/mounted.yml")
    for name in OWN:
        [mount] = [one for one in services[name]["volumes"] if one["target"] == "/app/shop"]
        assert (mount["source"], mount["read_only"]) == (str(folders / "shop/shop"), True)
        assert image_variables().items() <= services[name]["environment"].items()
        # What Tandem's own file mounts is there as well.
        assert "/srv/tandem/files" in {one["target"] for one in services[name]["volumes"]}


def test_an_image_of_ones_own_starts_from_names_and_a_version_that_compose_has(folders: Path) -> None:
    services = composed(folders, compose_file("redis"))
    assert services["web"]["image"] == "tandem/app:0.1.0"
    assert services["cron"]["image"] == "tandem/cron:0.1.0"
