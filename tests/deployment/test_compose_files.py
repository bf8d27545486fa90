"""Both compose files, read by Compose itself: complete, pinned, documented and confined."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.deployment.tools import BROKERS, REQUIRED, ROOT, compose_file, configuration, run_config

ALWAYS = {"postgres", "broker", "migrate", "web", "worker", "beat", "cron"}
SOURCES = ("docker/base.yml", "docker/stack.yml", *(compose_file(broker) for broker in BROKERS))
# An interpolated variable; `$$` is a dollar sign for the container.
_VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)")
# Variables of the images themselves, not of ours.
_FOREIGN = {
    "FORWARDED_ALLOW_IPS",
    "POSTGRES_USER",
    "POSTGRES_DB",
    "POSTGRES_PASSWORD_FILE",
    "POSTGRES_INITDB_ARGS",
    "WEB_CONCURRENCY",
    "DJANGO_SETTINGS_MODULE",
}


@pytest.fixture(scope="module", params=BROKERS)
def stack(request: pytest.FixtureRequest) -> dict[str, Any]:
    return configuration(request.param)


@pytest.fixture(scope="module")
def services(stack: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = stack["services"]
    return found


@pytest.mark.parametrize("broker", BROKERS)
def test_one_file_is_the_whole_stack_and_flower_is_there_when_asked_for(broker: str) -> None:
    plain = run_config(broker, REQUIRED, "config", "--services")
    assert set(plain.stdout.split()) == ALWAYS
    more = run_config(broker, REQUIRED, "--profile", "flower", "config", "--services")
    assert set(more.stdout.split()) == ALWAYS | {"flower"}


@pytest.mark.parametrize("broker", BROKERS)
@pytest.mark.parametrize("name", sorted(REQUIRED))
@pytest.mark.parametrize("value", [None, ""])
def test_what_is_required_is_refused_when_it_is_missing_or_empty(broker: str, name: str, value: str | None) -> None:
    others = {key: text for key, text in REQUIRED.items() if key != name}
    done = run_config(broker, others | ({} if value is None else {name: value}), "config")
    assert done.returncode != 0
    assert re.search(rf"{name} is missing a value: write the \w+", done.stderr)


def test_both_files_say_the_same_about_everything_but_the_broker() -> None:
    redis, rabbitmq = (configuration(broker) for broker in BROKERS)
    for one in (redis, rabbitmq):
        del one["services"]["broker"]
    assert redis["services"] == rabbitmq["services"]
    # So that one follows the other on the same database, under the same names.
    assert redis["name"] == rabbitmq["name"]
    assert redis["volumes"]["postgres-data"] == rabbitmq["volumes"]["postgres-data"]


def test_every_image_is_pinned_to_a_full_version(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"[a-z]+(/[a-z]+)?:\d+\.\d+(\.\d+)?(-[a-z]+)?(@sha256:[0-9a-f]{64})?", service["image"]), (
            name
        )
        # What is not ours is from a registry, and official there: no folder in its name.
        assert service["image"].startswith("tandem/") or "/" not in service["image"], name


def test_each_of_our_images_is_built_by_one_service_and_fetched_by_none(services: dict[str, dict[str, Any]]) -> None:
    ours = {name: service for name, service in services.items() if service["image"].startswith("tandem/")}
    built = [service["image"] for service in ours.values() if "build" in service]
    assert sorted(built) == sorted({service["image"] for service in ours.values()})
    assert {service["pull_policy"] for service in ours.values()} == {"never"}


def test_every_service_is_confined(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        limits = service["deploy"]["resources"]["limits"]
        assert {"cpus", "memory", "pids"} <= limits.keys(), name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        assert service["restart"] == ("no" if name == "migrate" else "unless-stopped"), name


def test_root_is_needed_by_cron_alone_and_with_few_capabilities(services: dict[str, dict[str, Any]]) -> None:
    root = {name for name, service in services.items() if service["user"].startswith("0:")}
    assert root == {"cron"}
    assert {name for name, service in services.items() if service.get("cap_add")} == {"cron"}
    assert set(services["cron"]["cap_add"]) == {"SETUID", "SETGID", "DAC_READ_SEARCH", "AUDIT_WRITE", "KILL"}


def test_ports_are_published_on_the_loopback_address_only(services: dict[str, dict[str, Any]]) -> None:
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert published.keys() == {"web", "flower"}
    assert all(port["host_ip"] == "127.0.0.1" for ports in published.values() for port in ports)


def test_database_and_broker_are_on_a_network_that_ends_here(stack: dict[str, Any]) -> None:
    assert stack["networks"]["data"]["internal"] is True
    for name in ("postgres", "broker"):
        assert stack["services"][name]["networks"].keys() == {"data"}


def test_no_secret_is_a_variable_or_a_default(stack: dict[str, Any]) -> None:
    assert all("file" in secret for secret in stack["secrets"].values())
    for name, service in stack["services"].items():
        variables = service.get("environment", {})
        secret = [key for key in variables if re.search("KEY|PASS|SECRET|AUTH|_URL", key) and not key.endswith("_FILE")]
        assert secret == [], name
        # Where a variable names a secret's file, the container has that secret.
        mounted = {use["target"] for use in service.get("secrets", [])}
        named = {value for key, value in variables.items() if key.endswith("_FILE")}
        assert named <= mounted, name


def test_things_start_in_order(services: dict[str, dict[str, Any]]) -> None:
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in ("web", "worker", "beat", "cron", "flower"):
        conditions = {on: needs["condition"] for on, needs in services[name]["depends_on"].items()}
        assert conditions["migrate"] == "service_completed_successfully", name
        assert conditions["postgres"] == "service_healthy", name
        # REST answers without a broker: nothing that serves it may wait for one.
        healthy = name in {"worker", "flower"}
        assert conditions["broker"] == ("service_healthy" if healthy else "service_started"), name


def test_every_service_that_stays_says_whether_it_is_well(services: dict[str, dict[str, Any]]) -> None:
    # It ends.
    without = {"migrate"}
    assert {name for name, service in services.items() if "healthcheck" not in service} == without
    for name, service in services.items():
        if name not in without:
            assert {"test", "interval", "timeout", "retries", "start_period"} <= service["healthcheck"].keys(), name
            kind, *words = service["healthcheck"]["test"]
            # Podman splits a word of a CMD at its spaces.
            assert kind == "CMD-SHELL" or not any(" " in word for word in words), name


def test_processes_with_a_loop_are_probed(services: dict[str, dict[str, Any]]) -> None:
    for name, kind in {"worker": "worker", "beat": "beat", "cron": "agent"}.items():
        assert f"python manage.py probe {kind}" in " ".join(services[name]["healthcheck"]["test"])


def test_two_beats_share_the_work(services: dict[str, dict[str, Any]]) -> None:
    assert services["beat"]["deploy"]["replicas"] == 2


def test_what_writes_has_a_place_to_write_to(stack: dict[str, Any]) -> None:
    used = {use["source"] for service in stack["services"].values() for use in service.get("volumes", [])}
    assert used == stack["volumes"].keys()
    for service in stack["services"].values():
        assert any(place.startswith("/tmp:") for place in service["tmpfs"])
        # Podman refuses an owner of a tmpfs ("unknown mount option"), so they belong to root.
        assert not [place for place in service["tmpfs"] if "uid=" in place or "gid=" in place]


def test_every_variable_is_documented_with_its_default() -> None:
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", page, flags=re.MULTILINE))
    sources = "".join((ROOT / name).read_text(encoding="utf-8") for name in SOURCES)
    assert set(_VARIABLE.findall(sources)) == documented
    for name, default in re.findall(r"(?<!\$)\$\{([A-Z_]+):-([^}]*)\}", sources):
        assert re.search(rf"^\| `{name}` \| `{re.escape(default)}` \|", page, flags=re.MULTILINE), name


def test_every_variable_that_a_container_gets_is_one_that_the_settings_read(stack: dict[str, Any]) -> None:
    given = {name for service in stack["services"].values() for name in service.get("environment", {})} - _FOREIGN
    code = "import json; from settings import production as p; print(json.dumps(sorted(p.env.names)))"
    env = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": "0123456789" * 5,
        "ALLOWED_HOSTS": "x",
        "DATABASE_URL": "postgresql://tandem@127.0.0.1:1/tandem",
        "BROKER_URL": "redis://127.0.0.1:1/0",
        "TANDEM_CRONTAB": "none",
    }
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert given <= set(json.loads(done.stdout))


def test_variables_reach_the_containers() -> None:
    found = configuration("redis", WORKER_CONCURRENCY="9", WEB_PORT="9000", TANDEM_HOST="left", LOG_LEVEL="DEBUG")
    services = found["services"]
    assert services["worker"]["environment"]["WORKER_CONCURRENCY"] == "9"
    assert services["web"]["ports"][0]["published"] == "9000"
    assert services["cron"]["environment"]["TANDEM_HOST"] == "left"
    assert services["beat"]["environment"]["LOG_LEVEL"] == "DEBUG"
    assert services["web"]["environment"]["ALLOWED_HOSTS"] == "tandem.example,127.0.0.1"
