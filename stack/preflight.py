"""What must be true before anything is started; each refusal is one message that says what to do."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

from stack.failure import StackError


def claim(var: Path) -> int:
    """Take the one place of an `up` on the folder `var`; the descriptor that holds it.

    The lock (flock(2)) is the open file's: processes that inherit the descriptor hold it too, so what a
    killed supervisor may have left running is noticed as well. A second broker on one socket would steal it.
    Raises StackError when it is taken.
    """
    path = var / "up.lock"
    try:
        var.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        raise StackError(f"{var} cannot be written ({exc.strerror}): set TANDEM_VAR to a folder that can.") from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise StackError(_taken(var, holder)) from exc
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def require_free_port(host: str, port: int) -> None:
    """Raises StackError when a server cannot listen on `host` and `port`."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # As the web server does: the remains of closed connections (TIME_WAIT) are no reason to refuse.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as exc:
        raise StackError(f"--host {host} is not an address of this machine: leave it out, or write 127.0.0.1.") from exc
    except OSError as exc:
        raise StackError(
            f"Port {port} on {host} cannot be used ({exc.strerror}): "
            f"end what uses it, or choose another: python3 dev.py up --port {port % 65535 + 1}"
        ) from exc


def _taken(var: Path, holder: str) -> str:
    if holder.isdigit() and Path(f"/proc/{holder}").exists():
        return f"Another `up` (process {holder}) runs on {var}: stop it, or set TANDEM_VAR to another folder."
    return (
        f"Another `up`, or what one that was killed left running, still uses {var}: "
        f"end it (`fuser {var / 'up.lock'}` names it), or set TANDEM_VAR to another folder."
    )
