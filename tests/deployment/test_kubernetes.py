"""The manifests in docker/kubernetes: what Kubernetes accepts, and the same as docker/stack.yml says."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

import kubernetes_validate
import pytest
import yaml

from tests.deployment.tools import REQUIRED, ROOT, configuration

FOLDER: Final = ROOT / "docker" / "kubernetes"
# The oldest and the newest whose schemas come with the package.
VERSIONS: Final = ("1.33.0", "1.37.0")
WITH_PODS: Final = {"Deployment", "StatefulSet", "Job"}
# What differs on purpose: here each pod is a cron host of its own, and its crontab is a file that it runs itself.
OF_CRON: Final = {"TANDEM_CRONTAB", "TANDEM_HOST"}
# The addresses of the proxies: Docker's there, a cluster's here.
OF_NETWORKS: Final = {"FORWARDED_ALLOW_IPS"}
SERVICES: Final = ("migrate", "web", "worker", "beat", "cron")

Thing = dict[str, Any]


def manifests() -> list[Thing]:
    """A copy of all of them: a test may change it."""
    return deepcopy(_manifests())


@functools.cache
def _manifests() -> list[Thing]:
    files = sorted(FOLDER.glob("*.yaml"))
    found = [one for path in files if path.name != "kustomization.yaml" for one in yaml.safe_load_all(path.read_text())]
    assert len(found) > len(SERVICES)
    return found


def named(service: str) -> Thing:
    [found] = [
        one for one in manifests() if one["kind"] in WITH_PODS and one["metadata"]["name"] == f"tandem-{service}"
    ]
    return found


def pod(service: str) -> Thing:
    found: Thing = named(service)["spec"]["template"]["spec"]
    return found


def container(service: str) -> Thing:
    [found] = pod(service)["containers"]
    return dict(found)


def environment(service: str) -> dict[str, str]:
    """The variables as the container gets them; one that Kubernetes fills in is empty."""
    [shared] = [one["data"] for one in manifests() if one["kind"] == "ConfigMap"]
    return {**shared, **{one["name"]: one.get("value", "") for one in container(service).get("env", [])}}


def containers() -> Iterator[tuple[str, Thing]]:
    for service in SERVICES:
        for one in (*pod(service)["containers"], *pod(service).get("initContainers", ())):
            yield f"{service}: {one['name']}", one


@pytest.fixture(scope="module")
def stack() -> dict[str, Thing]:
    found: dict[str, Thing] = configuration("redis")["services"]
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_every_word_of_them(version: str) -> None:
    for manifest in manifests():
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize(("path", "wrong"), [("replicas", "two"), ("replica", 2)])
def test_a_wrong_word_is_noticed(path: str, wrong: object) -> None:
    web = named("web")
    web["spec"][path] = wrong
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(web, VERSIONS[-1], strict=True)


def test_kustomize_takes_every_file_once() -> None:
    listed = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    there = {path.name for path in FOLDER.iterdir()} - {"kustomization.yaml"}
    assert sorted(listed["resources"]) == sorted(there)
    assert {f"{one['name']}:{one['newTag']}" for one in listed["images"]} == {one["image"] for _, one in containers()}


@pytest.mark.parametrize("service", ["migrate", "web", "worker", "beat"])
def test_images_and_commands_are_those_of_the_stack(stack: dict[str, Thing], service: str) -> None:
    found, variables = container(service), environment(service)
    assert found["image"] == stack[service]["image"]
    assert "command" not in found
    # $(NAME): Kubernetes puts the variable in.
    args = [re.sub(r"\$\(([A-Z_]+)\)", lambda name: variables[name[1]], word) for word in found["args"]]
    assert args == stack[service]["command"]


@pytest.mark.parametrize("service", SERVICES)
def test_the_environment_is_that_of_the_stack(stack: dict[str, Thing], service: str) -> None:
    theirs, ours = dict(stack[service]["environment"]), environment(service)
    # The health check of the stack asks there; a probe is answered for any Host header.
    theirs["ALLOWED_HOSTS"] = theirs["ALLOWED_HOSTS"].removesuffix(",127.0.0.1")
    different = {name for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name)}
    assert different == (OF_CRON if service == "cron" else OF_NETWORKS if service == "web" else set())
    assert ours["ALLOWED_HOSTS"] == REQUIRED["ALLOWED_HOSTS"]


@pytest.mark.parametrize("service", ["web", "worker", "beat", "cron"])
def test_the_times_to_stop_are_those_of_the_stack(stack: dict[str, Thing], service: str) -> None:
    found = re.fullmatch(r"(?:(\d+)m)?(?:(\d+)s)?", stack[service]["stop_grace_period"])
    assert found
    minutes, seconds = (int(number or 0) for number in found.groups())
    assert pod(service)["terminationGracePeriodSeconds"] == 60 * minutes + seconds


@pytest.mark.parametrize("service", SERVICES)
def test_limits_folders_and_secrets_are_those_of_the_stack(stack: dict[str, Thing], service: str) -> None:
    theirs, ours = stack[service], container(service)
    limits = theirs["deploy"]["resources"]["limits"]
    assert float(ours["resources"]["limits"]["cpu"]) == float(limits["cpus"])
    assert in_bytes(ours["resources"]["limits"]["memory"]) == int(limits["memory"])
    mounted = {one["mountPath"] for one in ours["volumeMounts"]}
    theirs_mounted = {one["target"] for one in theirs["volumes"]} | {one.partition(":")[0] for one in theirs["tmpfs"]}
    # What Debian's cron needs: here is none.
    assert mounted == theirs_mounted - {"/run", "/var/spool/cron/crontabs"} | {"/run/secrets"}
    [secret] = [one["secret"] for one in pod(service)["volumes"] if "secret" in one]
    assert secret["defaultMode"] == 0o440


def test_beats_are_as_many_as_in_the_stack(stack: dict[str, Thing]) -> None:
    assert named("beat")["spec"]["replicas"] == stack["beat"]["deploy"]["replicas"]


def test_all_of_it_keeps_to_the_strictest_of_kubernetes_standards() -> None:
    """Pod Security Standards, "restricted"; and a read-only file system, which it does not ask for."""
    for service in SERVICES:
        spec = pod(service)
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False
        assert {*spec} & {"hostNetwork", "hostPID", "hostIPC"} == set()
        assert all({*volume} <= {"name", "secret", "persistentVolumeClaim", "emptyDir"} for volume in spec["volumes"])
    closed = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    for name, one in containers():
        assert one["securityContext"] == closed, name
        assert {*one["resources"]} == {"requests", "limits"}, name


@pytest.mark.parametrize(("service", "kind"), [("worker", "worker"), ("beat", "beat"), ("cron", "agent")])
def test_what_has_no_port_is_probed_by_its_loop(service: str, kind: str) -> None:
    for name in ("startupProbe", "livenessProbe"):
        assert container(service)[name]["exec"]["command"] == ["python", "manage.py", "probe", kind]


def test_web_is_ready_while_the_database_is_and_alive_without() -> None:
    web = container("web")
    assert web["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert web["livenessProbe"]["httpGet"]["path"] == web["startupProbe"]["httpGet"]["path"] == "/healthz"
    assert web["lifecycle"]["preStop"]["sleep"]["seconds"] + 20 < pod("web")["terminationGracePeriodSeconds"]


def test_what_selects_pods_finds_those_of_its_name() -> None:
    selecting = [one for one in manifests() if "selector" in one.get("spec", {})]
    assert {one["kind"] for one in selecting} == {"Deployment", "StatefulSet", "Service", "PodDisruptionBudget"}
    for one in selecting:
        selector = one["spec"]["selector"]
        service = one["metadata"]["name"].removeprefix("tandem-")
        labels = named(service)["spec"]["template"]["metadata"]["labels"]
        assert selector.get("matchLabels", selector) == labels


def in_bytes(text: str) -> int:
    units = {"Mi": 2**20, "Gi": 2**30}
    return int(text[:-2]) * units[text[-2:]]
