"""The pinned requirements are what pyproject.toml asks for; `python3 dev.py lock` writes them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUN = PROJECT["project"]["dependencies"]
DEV = PROJECT["dependency-groups"]["dev"]


def text_of(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def pins(name: str) -> dict[str, set[Version]]:
    """The pinned versions of each package: more than one where Pythons or systems differ."""
    found: dict[str, set[Version]] = {}
    for line in text_of(name).splitlines():
        if line.strip() and not line.startswith((" ", "#")):
            requirement = Requirement(line.removesuffix("\\").strip())
            [specifier] = requirement.specifier
            assert specifier.operator == "=="
            found.setdefault(canonicalize_name(requirement.name), set()).add(Version(specifier.version))
    return found


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("run", text) for text in RUN] + [("dev", text) for text in [*RUN, *DEV]],
)
def test_each_requirement_is_pinned_to_a_version_it_allows(name: str, wanted: str) -> None:
    requirement = Requirement(wanted)
    versions = pins(name).get(canonicalize_name(requirement.name), set())
    assert versions, f"{requirement.name} is not pinned: python3 dev.py lock"
    assert all(requirement.specifier.contains(version) for version in versions), "python3 dev.py lock"


def test_development_pins_what_runs_to_the_same_versions() -> None:
    development = pins("dev")
    assert {name: development.get(name) for name in pins("run")} == pins("run")


@pytest.mark.parametrize("name", ["run", "dev"])
def test_every_pin_is_hashed_and_no_index_is_named(name: str) -> None:
    entries = text_of(name).replace("\\\n", "").splitlines()
    assert all("--hash=sha256:" in entry for entry in entries if entry.strip())
    assert "://" not in text_of(name)
