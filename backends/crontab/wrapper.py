"""What do our crontab lines call? A script that wipes the environment and asks the agent.

cron gives commands an almost empty environment (crontab(5)), and what a person sets in the table is for other commands.
"""

from __future__ import annotations

import os
import pwd
import re
import shlex
import shutil
import stat
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from django.conf import settings

from backends.crontab import agent_socket, ask_agent, files
from scheduling.errors import BackendError

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# Cron reads `%` as a line break. Programs that read crontabs differ in how they read `#` and `\`.
_UNSAFE_IN_A_LINE: Final = frozenset("%#\\")
_MODE: Final = 0o700
# The word by which the script knows that it has wiped the environment.
_WIPED: Final = "--wiped"
# Where programs are on Debian; nobody's table decides which ones our jobs find.
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def script(variables: Mapping[str, str], *, folder: str, command: Sequence[str]) -> bytes:
    """A shell script that runs `command`, with the script's own arguments added, in `folder`, with `variables` alone.

    Pure. Raises BackendError for a name or value that no environment or command line can hold.
    """
    for name in variables:
        if not _NAME.fullmatch(name):
            raise BackendError(f"{name[:80]!a} cannot be the name of an environment variable.")
    exports = [f"export {name}={_quoted(value)}" for name, value in sorted(variables.items())]
    lines = [
        "#!/bin/sh",
        "# Written by Tandem. Do not edit: Tandem writes this file again if it differs.",
        # The values are not on the command line of env, which every user may read.
        f'[ "$1" = {_WIPED} ] || exec /usr/bin/env -i /bin/sh "$0" {_WIPED} "$@"',
        "shift",
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

    `user`, if given, runs it: root then gives the file to that user, and nobody else may read it.
    """
    command = asking(sys.executable, str(agent_socket.folder()), settings.TANDEM_CRON_COMMAND)
    variables = _of_user(user) | passed_on(os.environ)
    content = script(variables, folder=str(settings.BASE_DIR), command=command)
    target = path()
    if not user or os.geteuid() == pwd.getpwnam(user).pw_uid:
        # Without it, wake-ups that find no agent do not take turns.
        agent_socket.make_folder()
    try:
        present = target.is_file() and target.read_bytes() == content
        if not present or stat.S_IMODE(target.stat().st_mode) != _MODE:
            files.replace(target, content, mode=_MODE)
        if user and os.geteuid() == 0 and target.owner() != user:
            shutil.chown(target, user)
    except OSError as exc:
        raise BackendError(f"{target} cannot be written: {exc.strerror}.") from exc


def asking(python: str, folder: str, command: Sequence[str]) -> list[str]:
    """The command that asks the agent whose socket is in `folder`, and becomes `command` where none answers.

    Without the environment (-I) and without the packages of the installation (-S), Python starts in 10 ms. Pure.
    """
    return [python, "-I", "-S", ask_agent.__file__, folder, *command, "--"]


def _of_user(name: str) -> dict[str, str]:
    """What cron itself would set for a user; '' is the user of this process."""
    try:
        user = pwd.getpwnam(name) if name else pwd.getpwuid(os.getuid())
    except KeyError:
        # In a container a process may run as a user without an entry.
        return {"HOME": "/", "PATH": _PATH}
    return {"HOME": user.pw_dir, "LOGNAME": user.pw_name, "USER": user.pw_name, "PATH": _PATH}


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of `environment` that the settings read."""
    names = {"DJANGO_SETTINGS_MODULE", *settings.TANDEM_ENVIRONMENT_NAMES}
    return {name: environment[name] for name in names if name in environment}


def _quoted(value: str) -> str:
    if "\0" in value:
        raise BackendError("An environment variable or argument cannot hold a NUL.")
    return shlex.quote(value)
