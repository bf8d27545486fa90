"""`dev.py client`: a Python package that calls this Tandem, generated from its OpenAPI document."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
# Of manage.py; the name of the file follows.
_WANTED: Final = ("--skip-checks", "--fail-on-warn", "--format", "openapi-json", "--file")
# Options of openapi-python-client.
_OPTIONS: Final[dict[str, Any]] = {
    "project_name_override": "tandem-client",
    "package_name_override": "tandem_client",
    # It knows no text: a crontab is sent as JSON, or as the bytes of a file.
    "content_type_overrides": {"text/plain": "application/octet-stream", "text/csv": "application/octet-stream"},
}


def parser() -> argparse.ArgumentParser:
    """The words of the command."""
    found = argparse.ArgumentParser(prog="dev.py client", description=__doc__)
    found.add_argument(
        "--to", type=Path, default=Path("tandem-client"), metavar="FOLDER", help="where (default: tandem-client)"
    )
    return found


def generate(to: Path) -> int:
    """Write the package into this folder; what was generated there before is replaced. Returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="tandem-") as folder:
        document = Path(folder) / "openapi.json"
        return _run([sys.executable, "manage.py", "spectacular", *_WANTED, str(document)]) or package(document, to)


def package(document: Path, to: Path) -> int:
    """The same from a document that is there: a part that the generator does not understand is a failure."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as options:
        json.dump(_OPTIONS, options)
        options.flush()
        given = ["--path", str(document), "--config", options.name, "--output-path", str(to.absolute())]
        program = str(Path(sys.executable).with_name("openapi-python-client"))
        return _run([program, "generate", "--fail-on-warning", "--overwrite", "--meta=setup", *given])


def _run(command: list[str]) -> int:
    # The generator looks for Ruff, which formats what it writes.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {"DJANGO_SETTINGS_MODULE": "settings.development", **os.environ, "PATH": path}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(generate(parser().parse_args().to))
