"""docker/bill_of_materials.py, run by the Python of the tests: what is installed here, once each, as CycloneDX."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import distributions, version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from tests.deployment.tools import ROOT
from tests.test_requirements import pins

PROGRAM = ROOT / "docker" / "bill_of_materials.py"
# https://github.com/package-url/purl-spec
_PURL = re.compile(r"pkg:(pypi|deb/debian|generic)/[a-z0-9][a-z0-9.+-]*@[A-Za-z0-9.:%~_-]+(\?arch=[a-z0-9]+)?")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    done = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_says_what_it_is_and_of_what(document: dict[str, Any]) -> None:
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch("urn:uuid:[0-9a-f-]{36}", document["serialNumber"])
    assert document["metadata"]["component"]["name"] == "tandem"


def test_each_component_is_there_once_with_an_address_that_scanners_know(document: dict[str, Any]) -> None:
    references = [one["bom-ref"] for one in document["components"]]
    assert len(references) == len(set(references))
    for one in document["components"]:
        assert _PURL.fullmatch(one["purl"]), one["purl"]
        assert one["version"]
        assert one["bom-ref"] == one["purl"]


def test_every_pinned_package_is_in_it_with_the_version_that_is_installed(document: dict[str, Any]) -> None:
    python = {one["name"].lower().replace("_", "-"): one for one in document["components"] if "pkg:pypi" in one["purl"]}
    # Some pins are for other versions of Python.
    installed = {one.name.lower().replace("_", "-") for one in distributions()}
    needed = installed & set(pins("run"))
    assert {"celery", "django", "psycopg"} < needed <= python.keys()
    assert python["django"]["version"] == version("django")
    # Most say their licence; none says an empty one.
    assert python["django"]["licenses"] == [{"expression": "BSD-3-Clause"}]
    assert all(one["licenses"] for one in python.values() if "licenses" in one)


def test_debians_packages_and_what_was_taken_from_one_are_in_it(document: dict[str, Any], tmp_path: Path) -> None:
    if shutil.which("dpkg-query") is None:
        pytest.skip("dpkg-query is not installed: it is Debian's")
    assert any(one["purl"].startswith("pkg:deb/debian/dpkg@") for one in document["components"])
    noted = tmp_path / "taken-from"
    noted.write_text("Package: postgresql-client-17\nVersion: 17.11-0+deb13u1\nArchitecture: amd64\n")
    [taken] = program().taken_packages(noted)
    assert taken["purl"] == "pkg:deb/debian/postgresql-client-17@17.11-0%2Bdeb13u1?arch=amd64"
    assert f"{program().TAKEN.parent}/" in (ROOT / "Dockerfile").read_text(encoding="utf-8")


def program() -> Any:
    """The program as a module."""
    spec = spec_from_file_location("bill_of_materials", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
