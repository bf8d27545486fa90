"""Loads the packages once, and forks a process for each request: `python -m tests.warm.server DESCRIPTOR`.

A child is as a new Python would be: it has its own environment, session, folder and descriptors, runs its program as
`__main__`, and ends through Python's own end. Only modules that need no settings are loaded before: what depends on the
environment is loaded by each child for itself.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import sys
import time
import types
from pathlib import Path
from typing import Any, Final

from stack.parent_death import die_with_parent

MOST_BYTES: Final = 1_000_000
# With these come most modules of the packages that a worker, a beat, the web process and the commands load.
_PACKAGES: Final = (
    *("celery.apps.beat", "celery.apps.worker", "celery.bin.celery", "celery.concurrency.prefork"),
    *("celery.fixups.django", "celery.worker.components", "celery.events.state"),
    *("django.core.management", "django.core.handlers.asgi", "django.core.checks", "django.template.loader"),
    *("django.db.backends.postgresql.base", "django.db.backends.sqlite3.base", "django.db.migrations.executor"),
    *("kombu.transport.pyamqp", "kombu.transport.redis", "psycopg_pool", "cron_descriptor", "crontab", "tenacity"),
    *("pydantic", "rest_framework.compat", "rest_framework.settings", "urllib3", "yaml"),
    *("channels.auth", "channels.generic.websocket", "channels.routing", "django_filters.filterset", "jinja2"),
    *("django.contrib.postgres.fields", "django.contrib.sessions.middleware", "django.test.testcases"),
    *("uvicorn.main", "uvicorn.protocols.http.h11_impl", "uvicorn.protocols.websockets.auto", "whitenoise.middleware"),
)
_OURS: Final = ("backends", "jobs", "scheduling")


def main(descriptor: int) -> None:
    """Answer requests until the other side closes the connection. Returns in each child, to run its program."""
    _load()
    # A child's first collection would otherwise write to, and so copy, all that is loaded.
    gc.collect()
    gc.freeze()
    program = _serve(socket.socket(fileno=descriptor))
    if program is None:
        sys.exit()
    kind, *words = program
    sys.path[0] = str(Path.cwd())
    if kind == "-c":
        sys.argv, sys.path[0] = ["-c", *words[1:]], ""
        sys.modules["__main__"] = types.ModuleType("__main__")
        exec(compile(words[0], "<string>", "exec"), vars(sys.modules["__main__"]))  # noqa: S102 - as python -c does
    elif kind == "-m":
        sys.argv = words
        runpy.run_module(words[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = program
        sys.path[0] = str(Path(kind).resolve().parent)
        runpy.run_path(kind, run_name="__main__")


def _load() -> None:
    from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured  # noqa: PLC0415 - loaded here, once

    for package in _PACKAGES:
        importlib.import_module(package)
    for file in sorted(file for package in _OURS for file in Path(package).rglob("[!_]*.py")):
        # What needs settings, or models, is loaded by each process.
        with contextlib.suppress(ImproperlyConfigured, AppRegistryNotReady):
            importlib.import_module(".".join(file.with_suffix("").parts))


def _serve(connection: socket.socket) -> list[str] | None:
    """Fork for each request. Returns its program in the child, and None in the server, at the end."""
    told, tells = os.pipe()
    os.set_blocking(tells, False)
    signal.set_wakeup_fd(tells)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([connection.fileno(), told], [], [])
        if told in ready:
            os.read(told, 4096)
            _report(running)
        if connection.fileno() in ready:
            data, descriptors, _, _ = socket.recv_fds(connection, MOST_BYTES, 4)
            if not data:
                return None
            request = json.loads(data)
            arrange = die_with_parent()
            child = os.fork()
            if child == 0:
                arrange()
                for descriptor in (told, tells, connection.detach(), *running.values()):
                    os.close(descriptor)
                return _become(request, descriptors)
            running[child] = descriptors.pop()
            for descriptor in descriptors:
                os.close(descriptor)
            connection.send(json.dumps(child).encode())


def _report(running: dict[int, int]) -> None:
    """Write the exit code of each child that has ended to its pipe."""
    for child in list(running):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            descriptor = running.pop(child)
            # Whoever asked for it may not want to know any more.
            with contextlib.suppress(BrokenPipeError):
                os.write(descriptor, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(descriptor)


def _become(request: dict[str, Any], descriptors: list[int]) -> list[str]:
    """Make this child what was asked for. Returns its program."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    *standard, status = descriptors
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    os.chdir(request["folder"])
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - as long as the process lives
    sys.stdout, sys.stderr = _written_to(1, errors="strict"), _written_to(2, errors="backslashreplace")
    # Now signals to its session find it.
    os.write(status, b"+")
    os.close(status)
    return [str(word) for word in request["program"]]


def _written_to(descriptor: int, *, errors: str) -> io.TextIOWrapper:
    """A standard stream as Python makes it where PYTHONUNBUFFERED is set: a test waits for what is written."""
    raw = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(raw, errors=errors, write_through=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
