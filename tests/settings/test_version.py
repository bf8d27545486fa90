"""The version is written in pyproject.toml. Whatever else shows it agrees."""

from __future__ import annotations

import re
import tomllib

import pytest
from django.conf import settings

from settings.version import VERSION, version_in
from tests.deployment.test_build_context import is_in
from tests.settings.test_environments import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_schema_shows_the_version_of_the_project() -> None:
    assert settings.SPECTACULAR_SETTINGS["VERSION"] == VERSION == PROJECT["version"]


def test_a_project_without_a_version_is_refused() -> None:
    assert version_in('[project]\nversion = "2.0"') == "2.0"
    with pytest.raises(KeyError):
        version_in("[project]\nname = 'x'")


# Compose files and their page cannot read pyproject.toml: the tag of an image is a default there.
@pytest.mark.parametrize("path", ["docker/stack.yml", "docs/deployment.md"])
def test_tags_of_images_are_the_version(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    tags = re.findall(r"TANDEM_VERSION(?::-|` \| `)([^}`]+)", text)
    assert tags
    assert set(tags) == {VERSION}


def test_no_module_has_a_version_of_its_own() -> None:
    rooms = ("api", "backends", "jobs", "scheduling", "settings", "stack")
    sources = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    assert len(sources) > 100
    assert not [path for path in sources if f'"{VERSION}"' in path.read_text(encoding="utf-8")]


def test_the_image_holds_what_says_the_version_and_the_licence() -> None:
    assert is_in("pyproject.toml")
    assert is_in("LICENSE")


def test_the_licence_is_the_one_that_the_project_names() -> None:
    assert PROJECT["license"] == "BSD-3-Clause"
    assert PROJECT["license-files"] == ["LICENSE"]
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("BSD 3-Clause License\n\nCopyright (c) 2026, The Tandem authors\n")
