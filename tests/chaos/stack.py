"""The processes of the drill, each started again when a fault has ended it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from django.conf import settings

from tests.chaos.databases import children
from tests.live.installation import Process
from tests.servers.server import free_port

SETTINGS: Final = "tests.chaos.chaos_settings"
_CELERY: Final = ("-m", "celery", "-A", "settings.celery")
# Every write to it fails with ENOSPC (full(4)).
FULL_DISK: Final = Path("/dev/full")


class Stack:
    """A web server, two workers of two processes each, any number of beats, and a cron runner."""

    def __init__(self, database_url: str, broker_url: str, folder: Path, *, beats: int) -> None:
        self.folder, self.port = folder, free_port()
        self._environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "DATABASE_URL": database_url,
            "BROKER_URL": broker_url,
            "TANDEM_VAR": str(folder),
            "PYTHONUNBUFFERED": "1",
        }
        listen = ("--port", str(self.port), "--log-level", "warning", "--timeout-graceful-shutdown", "5")
        self.commands: dict[str, tuple[str, ...]] = {
            "web": ("-m", "uvicorn", "settings.asgi:application", *listen),
            **{name: self._worker(name) for name in ("worker-1", "worker-2")},
            **{f"beat-{number}": ("manage.py", "beat") for number in range(1, beats + 1)},
            "cron": ("manage.py", "cron_runner"),
        }
        self._processes: dict[str, Process] = {}

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of manage.py to its end."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=settings.BASE_DIR, env=self._environment, capture_output=True, text=True, check=False
        )

    def start(self, name: str, *, log: Path | None = None, shift: float = 0.0) -> None:
        """Start a process, and end what is left of the one that it takes the place of."""
        if name in self._processes:
            self._processes[name].kill()
        environment = self._environment | {"CHAOS_CLOCK_SHIFT": str(shift)}
        self._processes[name] = Process(self.commands[name], environment, log or self.folder / f"{name}.log")

    def start_all(self) -> None:
        """Start all that do not run."""
        for name in self.commands:
            if name not in self._processes or self._processes[name].popen.poll() is not None:
                self.start(name)

    def pid(self, name: str) -> int:
        """The process id of one."""
        return self._processes[name].popen.pid

    def pool(self, name: str) -> list[int]:
        """The processes of a worker that run jobs."""
        return children(self.pid(name))

    def close(self) -> None:
        """End all of them: first as an operator does, so that cron's commands end, too."""
        for process in self._processes.values():
            process.popen.send_signal(signal.SIGCONT)
            process.popen.terminate()
        for process in self._processes.values():
            try:
                process.popen.wait(15)
            except subprocess.TimeoutExpired:
                # `kill` ends what does not listen.
                continue
        for process in self._processes.values():
            process.kill()

    @staticmethod
    def _worker(name: str) -> tuple[str, ...]:
        return (*_CELERY, "worker", "-n", f"{name}@%h", "--concurrency", "2", "-l", "INFO")
