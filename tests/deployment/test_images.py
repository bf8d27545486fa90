"""The Dockerfile: linted, pinned, and without what is not needed to run."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.deployment.tools import BROKERS, ROOT, configuration, tool
from tests.test_requirements import pins

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def instructions() -> list[tuple[str, str]]:
    """(instruction, rest) with continued lines joined and comments left out."""
    lines = [line for line in DOCKERFILE.splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines())]


def stages() -> dict[str, list[tuple[str, str]]]:
    """The instructions of each stage, FROM included; the last one, which has no name, under ''."""
    found: dict[str, list[tuple[str, str]]] = {}
    for instruction, rest in instructions():
        if instruction == "FROM":
            name = rest.partition(" AS ")[2]
            found[name] = []
        found[name].append((instruction, rest))
    return found


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run(
        [tool("hadolint"), "--no-color", "--failure-threshold", "style", str(ROOT / "Dockerfile")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 0)


def test_hadolint_finds_a_fault_in_a_bad_file() -> None:
    done = subprocess.run(
        [tool("hadolint"), "-"], input="FROM python\nCMD python\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "DL3006" in done.stdout


def test_every_base_is_pinned_and_the_same() -> None:
    bases = {rest.split(" ")[0] for instruction, rest in instructions() if instruction == "FROM"} - stages().keys()
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.13\.\d+-slim-trixie(@sha256:[0-9a-f]{64})?", bases.pop())


def test_packages_are_hashed_wheels() -> None:
    installs = [
        rest for instruction, rest in instructions() if instruction == "RUN" and "install" in rest and "pip" in rest
    ]
    assert len(installs) == 2
    assert all('"--require-hashes", "--only-binary=:all:"' in install for install in installs)


def test_only_the_cron_image_is_root_and_only_it_has_cron() -> None:
    users = {name: [rest for word, rest in stage if word == "USER"] for name, stage in stages().items()}
    assert users["app"] == ["10001:10001"]
    assert users["cron"] == ["0:0"]
    assert users["flower"] == users[""] == []  # as in `app`, which they are made from
    packages = {
        name: re.findall(r"apt-get install --yes --no-install-recommends (\S+)", " ".join(rest for _, rest in stage))
        for name, stage in stages().items()
    }
    assert {name: found for name, found in packages.items() if found} == {"app": ["libpq5"], "cron": ["cron"]}


def test_commands_are_lists_and_nothing_is_fetched_by_add() -> None:
    words = [word for word, _ in instructions()]
    assert "ADD" not in words
    assert all(rest.startswith("[") for word, rest in instructions() if word in {"CMD", "ENTRYPOINT"})


@pytest.mark.parametrize("broker", BROKERS)
def test_what_compose_builds_is_a_stage(broker: str) -> None:
    services = configuration(broker)["services"].values()
    targets = {service["build"]["target"] for service in services if "build" in service}
    assert targets == {"app", "cron", "flower"}
    assert targets <= stages().keys()
    # Images of one target have one name, and the other way round.
    pairs = {(service["build"]["target"], service["image"]) for service in services if "build" in service}
    assert len(pairs) == len(targets)


def test_the_numbers_of_users_are_the_ones_that_compose_uses() -> None:
    cron = configuration("redis")["services"]["cron"]
    places = {place.partition(":")[0]: place.partition(":")[2].split(",") for place in cron["tmpfs"]}
    # Docker mounts a tmpfs without exec unless told, and cron runs a script there.
    assert "exec" in places["/var/lib/tandem"]
    assert "TANDEM_VAR=/var/lib/tandem" in DOCKERFILE
    assert "--uid 10001" in DOCKERFILE


def test_flower_is_pinned_with_hashes_beside_the_same_packages() -> None:
    text = (ROOT / "docker" / "flower.txt").read_text(encoding="utf-8")
    entries = [line for line in text.replace("\\\n", "").splitlines() if line.strip()]
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    flower = dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, flags=re.MULTILINE))
    assert "flower" in flower
    run = {name: {str(version) for version in versions} for name, versions in pins("run").items()}
    differ = {name for name, version in flower.items() if name in run and version not in run[name]}
    assert differ == set(), "python3 dev.py lock"


def test_scripts_that_are_started_by_name_are_executable() -> None:
    for name in ("bill_of_materials.py", "cron_host.py", "json_lines.py", "make-secrets", "pin_digests.py", "prepare"):
        assert (ROOT / "docker" / name).stat().st_mode & 0o111


def test_pg_dump_is_of_the_servers_major_version() -> None:
    servers = {
        configuration(broker)["services"]["postgres"]["image"].partition(":")[2].split(".")[0] for broker in BROKERS
    }
    assert set(re.findall(r"postgresql(?:-client-|/)(\d+)", DOCKERFILE)) == servers
