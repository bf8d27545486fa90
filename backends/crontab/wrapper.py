"""What do our crontab lines call? A script, because cron gives commands an almost empty environment (crontab(5))."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from django.conf import settings

from backends.crontab import files
from scheduling.errors import BackendError

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# Cron reads `%` as a line break. Programs that read crontabs differ in how they read `#` and `\`.
_UNSAFE_IN_A_LINE: Final = frozenset("%#\\")
_MODE: Final = 0o700


def script(variables: Mapping[str, str], *, folder: str, command: Sequence[str]) -> bytes:
    """A shell script that runs `command`, with the script's own arguments added, in `folder`, with `variables` set.

    Pure. Raises BackendError for a name or value that no environment or command line can hold.
    """
    for name in variables:
        if not _NAME.fullmatch(name):
            raise BackendError(f"{name[:80]!a} cannot be the name of an environment variable.")
    exports = [f"export {name}={_quoted(value)}" for name, value in sorted(variables.items())]
    lines = [
        "#!/bin/sh",
        "# Written by Tandem. Do not edit: Tandem writes this file again if it differs.",
        *exports,
        f"cd {_quoted(folder)} || exit 1",
        f'exec {" ".join(map(_quoted, command))} "$@"',
    ]
    return os.fsencode("\n".join(lines) + "\n")


def command_of(path: Path) -> str:
    """The path as it is written in a crontab line. Raises BackendError for a path that no line can hold."""
    text = str(path)
    if any(character in _UNSAFE_IN_A_LINE or not character.isprintable() for character in text):
        raise BackendError(
            f"{text!a} cannot be used in a crontab: choose a TANDEM_VAR without control characters, %, # and \\."
        )
    return shlex.quote(text)


def path() -> Path:
    """The path of this installation's wrapper."""
    return Path(settings.VAR) / "tandem-cron"


def install(*, user: str = "") -> None:
    """Write the wrapper for the environment of this process, unless it is there already. Raises BackendError.

    `user`, if given, is who runs it: root then gives the file to that user, whom nobody else may read it for.
    """
    content = script(passed_on(os.environ), folder=str(settings.BASE_DIR), command=settings.TANDEM_CRON_COMMAND)
    target = path()
    try:
        present = target.is_file() and target.read_bytes() == content
        if not present or stat.S_IMODE(target.stat().st_mode) != _MODE:
            files.replace(target, content, mode=_MODE)
        if user and os.geteuid() == 0 and target.owner() != user:
            shutil.chown(target, user)
    except OSError as exc:
        raise BackendError(f"{target} cannot be written: {exc.strerror}.") from exc


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of `environment` that the settings read."""
    names = {"DJANGO_SETTINGS_MODULE", *settings.TANDEM_ENVIRONMENT_NAMES}
    return {name: environment[name] for name in names if name in environment}


def _quoted(value: str) -> str:
    if "\0" in value:
        raise BackendError("An environment variable or argument cannot hold a NUL.")
    return shlex.quote(value)
