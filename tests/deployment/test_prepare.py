"""docker/prepare in a copy of what it works on, run by the real /bin/sh."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.deployment.tools import BROKERS, ROOT, compose_file, configuration, tool

# Programs of SELinux, where it is on: one says so, and the other notes what it is asked to label.
_SELINUX = {"selinuxenabled": "exit 0", "chcon": 'echo "$@" > labelled'}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the files that Compose and the script read."""
    shutil.copytree(ROOT / "docker", tmp_path / "docker", ignore=shutil.ignore_patterns("__pycache__"))
    for broker in BROKERS:
        shutil.copy(ROOT / compose_file(broker), tmp_path)
    return tmp_path


def prepare(checkout: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(
        [checkout / "docker/prepare", *words], cwd="/", env=env, capture_output=True, text=True, check=False
    )


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("broker", BROKERS)
def test_one_command_writes_all_that_compose_needs(checkout: Path, broker: str) -> None:
    done = prepare(checkout, "tandem.example,10.0.0.7", broker)
    assert (done.returncode, done.stderr) == (0, "")
    assert "docker compose up --build --detach --wait" in done.stdout
    # Compose finds its file, the names and the secrets by itself.
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    command = [tool("docker-compose"), "config", "--format", "json"]
    read = subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, check=False)
    assert read.returncode == 0, read.stderr
    assert '"ALLOWED_HOSTS": "tandem.example,10.0.0.7,127.0.0.1"' in read.stdout
    files = {Path(one["file"]).name for one in configuration(broker)["secrets"].values()}
    assert files <= {path.name for path in (checkout / "secrets").iterdir()}


def test_it_overwrites_nothing_and_says_which_secret_is_missing(checkout: Path) -> None:
    prepare(checkout, "tandem.example")
    before = contents(checkout)
    again = prepare(checkout, "other.example", "rabbitmq")
    assert again.returncode == 0
    assert "stay as they are" in again.stdout
    assert contents(checkout) == before

    (checkout / "secrets/redis_url").unlink()
    refused = prepare(checkout, "tandem.example")
    assert refused.returncode == 1
    assert refused.stderr.startswith("secrets/redis_url is missing or empty: ")


def test_every_secret_is_looked_for(checkout: Path) -> None:
    prepare(checkout, "tandem.example")
    for path in sorted((checkout / "secrets").iterdir()):
        aside = path.rename(checkout / "aside")
        assert f"{path.name} is missing" in prepare(checkout, "tandem.example").stderr
        aside.rename(path)


def test_another_folder_for_the_secrets_is_noted_for_compose(checkout: Path) -> None:
    folder = str(checkout / "elsewhere")
    assert prepare(checkout, "tandem.example", TANDEM_SECRETS=folder).returncode == 0
    assert f"TANDEM_SECRETS={folder}\n" in (checkout / ".env").read_text()
    assert not (checkout / "secrets").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "The host names are missing."),
        (["*"], "and no *."),
        (["a b"], "and no *."),
        (["$(id)"], "and no *."),
        (["tandem.example", "kafka"], "There is no broker kafka."),
    ],
)
def test_what_it_cannot_use_is_refused_before_anything_is_written(checkout: Path, words: list[str], said: str) -> None:
    before = contents(checkout)
    done = prepare(checkout, *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Write docker/prepare tandem.example" in done.stderr
    assert contents(checkout) == before


def test_a_port_in_use_is_told(checkout: Path) -> None:
    if shutil.which("ss") is None:
        pytest.skip("ss is not installed: it comes with the package iproute2")
    prepare(checkout, "tandem.example")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (checkout / ".env").open("a") as file:
            file.write(f"WEB_PORT={port}\n")
        assert f"Port {port} is in use." in prepare(checkout, "tandem.example").stdout
    assert "is in use" not in prepare(checkout, "tandem.example").stdout


def test_where_selinux_is_on_containers_may_read_what_is_mounted(checkout: Path) -> None:
    programs = checkout / "programs"
    programs.mkdir()
    for name, script in _SELINUX.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    done = prepare(checkout, "tandem.example", PATH=f"{programs}:{os.environ['PATH']}")
    assert done.returncode == 0
    labelled = (checkout / "labelled").read_text()
    assert labelled == "--recursive --type container_file_t secrets docker/rabbitmq.conf\n"
