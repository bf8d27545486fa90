"""A table of our own in /etc/cron.d: how is it read and written, and as which user do its lines run?

Cron reads these files only if they are as it wants them (cron(8) of Debian, "check_crontab" of cronie): owned by root,
writable by nobody else, one hard link, a name of letters, digits, `-` and `_`. So only root writes them: what another
user puts there in one step is owned by that user, and cron ignores it.
"""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path
from typing import Final

from backends.crontab import files, system_zone
from backends.crontab.targets import Target
from scheduling.errors import BackendError, Misconfigured

PREFIX: Final = "cron.d:"
# Everybody may read it, as the other files there; with more rights for others cron ignores it.
MODE: Final = 0o644
# Debian's cron ignores every other name (run-parts(8)): also the temporary one, which has a dot.
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# A blank or a `#` in the user column would change the line.
_USER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?", re.ASCII)


class SystemTable(Target):
    """The file `path`, whose lines run as `user`. The system's cron daemon runs them."""

    # As that of a user's crontab: cron compares whole seconds.
    spacing = 1.1

    def __init__(self, path: Path, user: str) -> None:
        self.path = path
        self._user = user

    @property
    def user(self) -> str:
        return self._user

    def read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as exc:
            raise BackendError(f"{self.path} cannot be read: {exc.strerror}.") from exc

    def write(self, table: bytes) -> None:
        """Replace the file by `table`, or remove it where `table` is empty. The folder's time changes: cron notices."""
        if not self.writable():
            raise BackendError(f"{self.path} cannot be written: cron runs only what root has written there.")
        try:
            if not self.path.parent.is_dir():
                raise BackendError(f"There is no folder {self.path.parent}: this machine's cron reads no such files.")
            if table:
                files.replace(self.path, table, mode=MODE)
            else:
                self.path.unlink(missing_ok=True)
        except OSError as exc:
            raise BackendError(f"{self.path} cannot be written: {exc.strerror}.") from exc

    def writable(self) -> bool:
        return os.geteuid() == 0

    def runs_jobs_of_others(self) -> bool:
        """Whether this process is root and the lines run as somebody else: what it started would run as root."""
        return os.geteuid() == 0 and self._user != "root"

    def lock(self) -> Path:
        """Beside the file. The name has dots: cron ignores it."""
        return self.path.with_name(f".{self.path.name}.lock")

    def describe(self) -> str:
        return f"{PREFIX}{self.path}"

    def zone(self) -> str:
        return system_zone.system_zone()


def parse(setting: str) -> SystemTable:
    """The table that `cron.d:/path` or `cron.d:/path:user` names; without a user, that of this process.

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
    return SystemTable(Path(folder) / name, user)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
