"""docker/make-secrets, run by the real /bin/sh."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from settings.brokers import kind
from settings.databases import database
from tests.deployment.tools import BROKERS, ROOT, configuration


def make(*words: str, where: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "docker/make-secrets", *words], cwd=where, capture_output=True, text=True, check=False
    )


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="ascii") for path in folder.iterdir()}


def test_it_makes_every_secret_that_a_compose_file_reads_once(tmp_path: Path) -> None:
    assert make(where=tmp_path).returncode == 0
    made = contents(tmp_path / "secrets")
    read = {Path(one["file"]).name for broker in BROKERS for one in configuration(broker)["secrets"].values()}
    assert made.keys() == read

    again = make(where=tmp_path)
    assert again.returncode == 1
    assert again.stderr == "secrets holds secrets already: nothing was changed.\n"
    # Also where one was lost: the others are in use.
    (tmp_path / "secrets/secret_key").unlink()
    del made["secret_key"]
    assert make(where=tmp_path).returncode == 1
    assert contents(tmp_path / "secrets") == made


def test_the_parts_belong_together_and_differ_each_time(tmp_path: Path) -> None:
    make("one", where=tmp_path)
    make("other folder", where=tmp_path)
    made, other = contents(tmp_path / "one"), contents(tmp_path / "other folder")
    assert not set(made.values()) & set(other.values())
    assert len(made["secret_key"]) == 64
    assert database(made["database_url"].strip())["PASSWORD"] == made["postgres_password"].strip()
    assert kind(made["redis_url"].strip()) == "redis"
    assert kind(made["rabbitmq_url"].strip()) == "rabbitmq"
    assert made["redis_conf"] == f"requirepass {urlsplit(made['redis_url'].strip()).password}\n"
    user = urlsplit(made["rabbitmq_url"].strip())
    assert made["rabbitmq_conf"] == f"default_user = {user.username}\ndefault_pass = {user.password}\n"


def test_only_the_owner_can_enter_the_folder_and_the_files_can_be_shown_to_any_container_user(tmp_path: Path) -> None:
    make(where=tmp_path)
    folder = tmp_path / "secrets"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}


def test_the_hosts_in_the_addresses_are_services(tmp_path: Path) -> None:
    make(where=tmp_path)
    made = contents(tmp_path / "secrets")
    for broker in BROKERS:
        services = configuration(broker)["services"].keys()
        for name in ("database_url", f"{broker}_url"):
            assert urlsplit(made[name].strip()).hostname in services
