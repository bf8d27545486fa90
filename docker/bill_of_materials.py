#!/usr/bin/env python3
"""Writes the software bill of materials of the image that it runs in, as CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/).

`docker run --rm --entrypoint python IMAGE docker/bill_of_materials.py > tandem.cdx.json`. It asks what is there: the
Python that runs it, the Python packages that this one finds, and Debian's packages. Standard library only.
"""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

Component = dict[str, Any]

_ROOT: Final = Path(__file__).resolve().parent.parent
# What `dpkg-deb --field` says of the package that pg_dump was taken from: dpkg does not know it (Dockerfile).
TAKEN: Final = Path("/usr/local/share/tandem/taken-from")
_FIELDS: Final = "${Package} ${Version} ${Architecture}\\n"


def main() -> None:
    """Write the document to stdout."""
    found = [interpreter(), *python_packages(), *debian_packages(), *taken_packages(TAKEN)]
    json.dump(document(found, now=datetime.now(UTC)), sys.stdout, indent=2)
    sys.stdout.write("\n")


def document(components: list[Component], *, now: datetime) -> dict[str, Any]:
    """The whole document, with the components in the order of their names, each of them once."""
    once = {one["bom-ref"]: one for one in components}
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    about = {"type": "application", "bom-ref": project["name"], "name": project["name"], "version": project["version"]}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid4()}",
        "version": 1,
        "metadata": {"timestamp": now.isoformat(timespec="seconds"), "component": about},
        "components": [once[ref] for ref in sorted(once)],
    }


def interpreter() -> Component:
    """The Python that runs this."""
    return _component("platform", "python", platform.python_version(), "pkg:generic/python@{version}")


def python_packages() -> Iterator[Component]:
    """Every package that this Python finds, with its licence where its metadata tell one."""
    for package in distributions():
        found = _component("library", package.name, package.version, f"pkg:pypi/{_plain(package.name)}@{{version}}")
        yield found | _licences(package)


def debian_packages() -> Iterator[Component]:
    """Every package that dpkg has installed; none where there is no dpkg."""
    if shutil.which("dpkg-query") is None:
        return
    command = ["dpkg-query", "--show", f"--showformat={_FIELDS}"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        yield _debian(*line.split())


def taken_packages(noted: Path) -> Iterator[Component]:
    """The package of Debian from which the image has single programs, as its fields say; none without the file."""
    if noted.exists():
        fields = dict(line.split(": ", 1) for line in noted.read_text(encoding="utf-8").splitlines())
        yield _debian(fields["Package"], fields["Version"], fields["Architecture"])


def _debian(name: str, version: str, architecture: str) -> Component:
    return _component("library", name, version, f"pkg:deb/debian/{name}@{{version}}?arch={architecture}")


def _component(kind: str, name: str, version: str, purl: str) -> Component:
    # https://github.com/package-url/purl-spec: a version is percent-encoded, but for its colons.
    where = purl.format(version=quote(version, safe=":"))
    return {"type": kind, "bom-ref": where, "name": name, "version": version, "purl": where}


def _licences(package: Distribution) -> dict[str, Any]:
    """The member `licenses`: the SPDX expression, or what older metadata say in words; nothing where none is told."""
    about = package.metadata
    for expression in about.get_all("License-Expression") or ():
        return {"licenses": [{"expression": expression}]}
    classified = [
        one.rpartition(" :: ")[2] for one in about.get_all("Classifier") or () if one.startswith("License ::")
    ]
    # Some have the whole text of their licence in this field.
    named = classified or [line for line in about.get_all("License") or () if line and "\n" not in line]
    return {"licenses": [{"license": {"name": name}} for name in named]} if named else {}


def _plain(name: str) -> str:
    """The name as PyPI compares it, in a purl."""
    return name.lower().replace("_", "-").replace(".", "-")


if __name__ == "__main__":
    main()
