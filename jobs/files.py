"""`files.clean`: delete old files in a folder."""

import os
import stat
import time
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Annotated, Final

from django.conf import settings
from pydantic import AfterValidator, Field

from jobs.confinement import FOLDER_FLAGS, absolute, opened_within
from scheduling.job_context import JobContext
from scheduling.registry import job
from scheduling.storable import Json, storable_text

# What stands in the way is mostly the same for all files: the first ones say it.
_MOST_ERRORS: Final = 20
# One descriptor stays open for each level: far below the usual limit of 1,024.
_DEEPEST: Final = 100
# Progress is told after so many.
_FILES_PER_REPORT: Final = 1000


def _name_only(pattern: str) -> str:
    if "/" in pattern:
        raise ValueError("the pattern is compared with the file's name alone: write no /")
    return pattern


@job("files.clean")
def clean(
    context: JobContext,
    *,
    folder: Annotated[
        str,
        AfterValidator(absolute),
        Field(max_length=4000, description="Absolute path of the folder to clean."),
    ],
    days: Annotated[float, Field(ge=0, le=36_500, description="Delete what was last changed at least this long ago.")],
    pattern: Annotated[
        str,
        AfterValidator(_name_only),
        Field(min_length=1, max_length=255, description="Shell-style pattern for the file's name; case counts."),
    ] = "*",
    recursive: Annotated[bool, Field(description="Whether to clean the folders below, too.")] = False,
    dry_run: Annotated[bool, Field(description="Count what would be deleted, and delete nothing.")] = False,
) -> dict[str, Json]:
    """Delete old files in a folder.

    The folder must lie within one of the folders of the setting TANDEM_FILES_ROOTS. Only regular files are deleted:
    never folders, symbolic links, or what links point to. Returns `deleted` and `bytes` (with `dry_run`: what would be
    deleted), `kept` (matching files that are newer), and `errors` (at most 20, then a count). If the task is cancelled,
    the job stops and returns what it has done so far.

    Raises FolderRefused if the folder lies outside of the roots or cannot be opened.
    """
    sweep = _Sweep(context, time.time() - days * 86_400, pattern, recursive, dry_run)
    with opened_within(folder, settings.TANDEM_FILES_ROOTS) as descriptor:
        sweep.folder(descriptor, "", depth=0)
    sweep.report()
    return sweep.result()


@dataclass(slots=True)
class _Sweep:
    """One run over a folder. `cutoff` is Unix time in seconds: a file last changed then or earlier is old."""

    context: JobContext
    cutoff: float
    pattern: str
    recursive: bool
    dry_run: bool
    deleted: int = 0
    freed: int = 0
    kept: int = 0
    seen: int = 0
    found: int = 0
    stopped: bool = False
    errors: list[str] = field(default_factory=list)
    more_errors: int = 0

    def folder(self, descriptor: int, path: str, *, depth: int) -> None:
        """Clean the open folder `descriptor`. `path` names it in messages."""
        try:
            names = os.listdir(descriptor)
        except OSError as exc:
            self._failed(path, exc.strerror)
            return
        self.found += len(names)
        below = [name for name in names if self._entry(descriptor, name, path)]
        if self.recursive:
            for name in below:
                self._descend(descriptor, name, f"{path}{name}/", depth=depth + 1)

    def report(self) -> None:
        """Report progress: how many of the entries found so far have been looked at."""
        self.context.progress(self.seen, self.found, f"{self.deleted} deleted")

    def result(self) -> dict[str, Json]:
        """The result of the job."""
        more = [f"and {self.more_errors} more"] if self.more_errors else []
        return {
            "deleted": self.deleted,
            "bytes": self.freed,
            "kept": self.kept,
            "errors": [*self.errors, *more],
        }

    def _descend(self, above: int, name: str, path: str, *, depth: int) -> None:
        if self.stopped:
            return
        if depth > _DEEPEST:
            self._failed(path, f"more than {_DEEPEST} folders deep")
            return
        try:
            descriptor = os.open(name, FOLDER_FLAGS, dir_fd=above)
        except FileNotFoundError:
            return
        except OSError as exc:
            self._failed(path, exc.strerror)
            return
        try:
            self.folder(descriptor, path, depth=depth)
        finally:
            os.close(descriptor)

    def _entry(self, descriptor: int, name: str, path: str) -> bool:
        """Handle one entry of a folder. True if the entry is itself a folder."""
        if self.seen % _FILES_PER_REPORT == 0 and not self.stopped:
            self.report()
            self.stopped = self.context.cancelled
        if self.stopped:
            return False
        self.seen += 1
        try:
            about = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if stat.S_ISREG(about.st_mode) and fnmatchcase(name, self.pattern):
                self._file(descriptor, name, about)
        except FileNotFoundError:
            return False  # another process has deleted it, so there is nothing to do
        except OSError as exc:
            self._failed(path + name, exc.strerror)
            return False
        return stat.S_ISDIR(about.st_mode)

    def _file(self, descriptor: int, name: str, about: os.stat_result) -> None:
        if about.st_mtime > self.cutoff:
            self.kept += 1
            return
        if not self.dry_run:
            # If another entry took the name since the check: unlink(2) removes no folder and follows no link.
            os.unlink(name, dir_fd=descriptor)
        self.deleted += 1
        self.freed += about.st_size

    def _failed(self, path: str, reason: str | None) -> None:
        if len(self.errors) < _MOST_ERRORS:
            self.errors.append(storable_text(f"{path[:500] or '.'}: {reason}"))
        else:
            self.more_errors += 1
