"""Does something run the lines of the crontab: the cron daemon, or our `cron_runner`?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from backends.crontab import files, flavours, programs
from backends.crontab.targets import FileTarget, SystemTable, Target, lock_path
from scheduling.errors import BackendError
from scheduling.findings import Finding

# Debian's cron, cronie and the crond of busybox each write one of these files.
PID_FILES: Final = (Path("/run/crond.pid"), Path("/var/run/crond.pid"), Path("/run/cron.pid"))


def of_reader(target: Target, *, folder: Path, pid_files: tuple[Path, ...] = PID_FILES) -> Finding:
    """Whether the program that runs the lines of `target` is there. `folder` holds the lock file of `cron_runner`."""
    if isinstance(target, FileTarget):
        if runner_lives(target, folder):
            return Finding("crontab", ok=True, detail=f"cron_runner runs the lines of {target.path}.")
        return Finding(
            "crontab", ok=False, detail=f"Nothing runs the lines of {target.path}: start `manage.py cron_runner`."
        )
    flavour = flavours.recognize(programs.version())
    if isinstance(target, SystemTable) and not flavour.cron_d:
        detail = f"{flavour.name} does not read {target.path}: write TANDEM_CRONTAB=user."
        return Finding("crontab", ok=False, detail=detail[0].upper() + detail[1:])
    if any(_lives(file) for file in pid_files):
        return Finding(
            "crontab", ok=True, detail=f"The crontab can be read, and the cron daemon runs ({flavour.name})."
        )
    return Finding(
        "crontab", ok=False, detail="The crontab can be read, but no cron daemon seems to run: start the cron service."
    )


def runner_lives(target: Target, folder: Path) -> bool:
    """Whether a `cron_runner` holds the lock of the target."""
    try:
        with files.exclusive(lock_path(target, folder, "runner"), wait=0.0):
            return False
    except BackendError:
        return True


def _lives(pid_file: Path) -> bool:
    """Whether the process whose id is in the file exists. Signal 0 only checks that (kill(2))."""
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        # For kill(2), 0 and negative numbers are groups of processes.
        if pid <= 0:
            return False
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return True
