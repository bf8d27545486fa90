"""A table of our own in /etc/cron.d: which file, how is it written, and as which user do its lines run?

Cron reads these files only if they are as it wants them (cron(8) of Debian, "check_crontab" of cronie): owned by root,
writable by nobody else, one hard link, a name of letters, digits, `-` and `_`. So only root writes them: what another
user puts there in one step is owned by that user, and cron ignores it.
"""

from __future__ import annotations

import os
import pwd
import re
import time
from pathlib import Path
from typing import Final

from backends.crontab import files
from scheduling.errors import BackendError, Misconfigured

PREFIX: Final = "cron.d:"
# Everybody may read it, as the other files there; with more rights for others cron ignores it.
MODE: Final = 0o644
# Debian's cron ignores every other name (run-parts(8)): also the temporary one, which has a dot.
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# A blank or a `#` in the user column would change the line.
_USER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?", re.ASCII)


def place_and_user(setting: str) -> tuple[Path, str]:
    """The file and the user that `cron.d:/path` or `cron.d:/path:user` names; without a user, that of this process.

    Raises Misconfigured, which says what to write.
    """
    folder, _, rest = setting.removeprefix(PREFIX).rpartition("/")
    name, _, asked = rest.partition(":")
    if not folder.startswith("/") or "\0" in folder or not _NAME.fullmatch(name):
        raise Misconfigured(
            "TANDEM_CRONTAB is not usable: write cron.d:/etc/cron.d/tandem, or cron.d:/etc/cron.d/tandem:user. "
            "Cron reads files there only if their name has nothing but letters, digits, - and _."
        )
    user = asked or pwd.getpwuid(os.geteuid()).pw_name
    if not _USER.fullmatch(user) or not _exists(user):
        # With one such line cron ignores the whole file.
        raise Misconfigured(f"TANDEM_CRONTAB is not usable: there is no user {user[:50]!a} on this machine.")
    return Path(folder) / name, user


def write(path: Path, table: bytes) -> None:
    """Replace the file by `table`, or remove it where `table` is empty, so that cron notices (`_noticed`).

    Raises BackendError where this process is not root or the file cannot be written; then it is unchanged.
    """
    if os.geteuid() != 0:
        raise BackendError(f"{path} cannot be written: cron runs only what root has written there.")
    try:
        if not path.parent.is_dir():
            raise BackendError(f"There is no folder {path.parent}: this machine's cron reads no such files.")
        if table:
            before = path.stat().st_mtime if path.exists() else 0.0
            files.replace(path, table, mode=MODE)
            _noticed(path, before)
        else:
            path.unlink(missing_ok=True)
    except OSError as exc:
        raise BackendError(f"{path} cannot be written: {exc.strerror}.") from exc


def _noticed(path: Path, before: float) -> None:
    """Give the file a time of its own. Cron tells a changed file by its time in whole seconds (Debian's database.c).

    It may have read the file, and the folder, earlier in this very second: then it would never read what was written
    after that.
    """
    later = int(max(time.time(), before)) + 1
    os.utime(path, (later, later))


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
