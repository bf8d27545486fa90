"""Which crontab is ours: a private file, the crontab of this process's user, or a file in /etc/cron.d?"""

from __future__ import annotations

import hashlib
import os
import stat
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Final

from backends.crontab import files, programs, system_table, system_zone, user_table
from scheduling.errors import BackendError, Misconfigured

# Where all processes of a user find the same lock, whatever their environment: the first of these that all users can
# write to. /tmp is the last, because systemd gives a service with PrivateTmp= one of its own.
LOCK_FOLDERS: Final = (Path("/run/lock"), Path("/dev/shm"), Path("/tmp"))  # noqa: S108 - files.exclusive checks the owner


class Target(ABC):
    """A crontab that is read and written as a whole. `read` and `write` raise BackendError with the reason."""

    # Seconds between two writes. Cron compares modification times in whole seconds, so it would not see the second of
    # two writes within one second.
    spacing: ClassVar[float]

    @abstractmethod
    def read(self) -> bytes:
        """The table; empty if there is none yet."""

    @abstractmethod
    def write(self, table: bytes) -> None:
        """Replace the present table by `table`. If this fails, the present table is unchanged."""

    @abstractmethod
    def lock(self) -> Path:
        """The file that is locked while somebody writes this table. It depends on nothing but the table."""

    @abstractmethod
    def describe(self) -> str:
        """A text that names this table. Different tables have different texts."""

    @abstractmethod
    def zone(self) -> str:
        """The IANA name of the zone in which this table's lines are read."""

    @property
    def user(self) -> str:
        """The user that the lines name in a column of their own; empty for a table without that column."""
        return ""

    def writable(self) -> bool:
        """Whether this process may write the table at all. If not, the agent of the machine does it."""
        return True

    def same(self, written: bytes, found: bytes) -> bool:
        """Whether `found` is what `read` returns after `written` was written."""
        return written == found


class FileTarget(Target):
    """A private file. `cron_runner` runs its lines, in UTC."""

    spacing = 0.0

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> bytes:
        return _content(self.path)

    def write(self, table: bytes) -> None:
        try:
            mode = stat.S_IMODE(self.path.stat().st_mode) if self.path.exists() else 0o600
            files.replace(self.path.resolve(), table, mode=mode)
        except OSError as exc:
            raise BackendError(f"{self.path} cannot be written: {exc.strerror}.") from exc

    def lock(self) -> Path:
        path = self.path.resolve()
        return path.with_name(f".{path.name}.lock")

    def describe(self) -> str:
        return f"file:{self.path}"

    def zone(self) -> str:
        return "UTC"


class UserTarget(Target):
    """The crontab of the user that this process runs as. The system's cron daemon runs its lines."""

    spacing = 1.1

    def read(self) -> bytes:
        return user_table.read()

    def write(self, table: bytes) -> None:
        try:
            programs.write_user_table(table)
        except BackendError as exc:
            if not table or table.endswith(b"\n") or "missing newline" not in exc.detail:
                raise
            # cron refuses a last line without a line break; who put it into the spool without `crontab` got past that.
            programs.write_user_table(table + b"\n")

    def lock(self) -> Path:
        folder = next((folder for folder in LOCK_FOLDERS if _anybody_writes(folder)), LOCK_FOLDERS[-1])
        return folder / f"tandem-crontab-{os.getuid()}"

    def describe(self) -> str:
        return f"user:{os.getuid()}"

    def zone(self) -> str:
        return system_zone.system_zone()

    def same(self, written: bytes, found: bytes) -> bool:
        return found == written or (found == written + b"\n" and not written.endswith(b"\n"))


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
        return _content(self.path)

    def write(self, table: bytes) -> None:
        system_table.write(self.path, table)

    def writable(self) -> bool:
        return os.geteuid() == 0

    def runs_jobs_of_others(self) -> bool:
        """Whether this process is root and the lines run as somebody else: what it started would run as root."""
        return os.geteuid() == 0 and self._user != "root"

    def lock(self) -> Path:
        """Beside the file. The name has dots: cron ignores it."""
        return self.path.with_name(f".{self.path.name}.lock")

    def describe(self) -> str:
        return f"{system_table.PREFIX}{self.path}"

    def zone(self) -> str:
        return system_zone.system_zone()


def parse(setting: str) -> Target | None:
    """The target that TANDEM_CRONTAB names; None for `none`. Raises Misconfigured, which says what to write."""
    if setting == "none":
        return None
    if setting == "user":
        return UserTarget()
    kind, _, path = setting.partition(":")
    if kind == "cron.d":
        return SystemTable(*system_table.place_and_user(setting))
    if kind == "file" and Path(path).is_absolute() and "\0" not in path:
        return FileTarget(Path(path))
    raise Misconfigured(
        "TANDEM_CRONTAB is not usable: write none, user, cron.d:/etc/cron.d/tandem, or file:/absolute/path."
    )


def lock_path(target: Target, folder: Path, purpose: str) -> Path:
    """The lock file in `folder` for one purpose and this target: only one process at a time holds it."""
    digest = hashlib.sha256(os.fsencode(target.describe())).hexdigest()[:16]
    return folder / f"crontab-{digest}.{purpose}"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as exc:
        raise BackendError(f"{path} cannot be read: {exc.strerror}.") from exc


def _anybody_writes(folder: Path) -> bool:
    try:
        return bool(folder.stat().st_mode & stat.S_IWOTH) and os.access(folder, os.W_OK)
    except OSError:
        return False
