"""Open folders and files that must lie within allowed folders (the roots).

A check and a later open by path would be a race: a folder could be replaced by a symbolic link between them. So every
component is opened without following links, relative to the descriptor of the folder above.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from jobs.errors import FileRefused
from scheduling.errors import TandemError

# O_NOFOLLOW: opening a component fails if it became a symbolic link after the check (open(2)).
FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderRefused(TandemError):
    """Jobs may not use this folder."""

    code = "folder_refused"


@contextmanager
def opened_within(folder: str, roots: Sequence[str]) -> Iterator[int]:
    """A descriptor of `folder`, closed at the end of the block.

    With symbolic links resolved, the folder must be one of `roots` or lie within one. Raises FolderRefused if it lies
    elsewhere, is missing, or cannot be opened. The message for a folder elsewhere does not tell whether it exists.
    """
    try:
        real = Path(folder).resolve()
        within = [root for root in (Path(root).resolve() for root in roots) if real.is_relative_to(root)]
    except (OSError, RuntimeError) as exc:  # RuntimeError: a loop of symbolic links, before Python 3.13
        raise FolderRefused(f"The folder {folder!r} cannot be resolved.") from exc
    if not within:
        raise FolderRefused(f"The folder {folder!r} lies outside of what the setting TANDEM_FILES_ROOTS allows.")
    try:
        descriptor = _descend(within[0], real.relative_to(within[0]).parts)
    except OSError as exc:
        raise FolderRefused(f"The folder {folder!r} cannot be opened: {exc.strerror}.") from exc
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _descend(root: Path, parts: Sequence[str]) -> int:
    """Open `root`, then one part after the other below it. The caller closes the descriptor."""
    descriptor = os.open(root, FOLDER_FLAGS)
    for part in parts:
        above = descriptor
        try:
            descriptor = os.open(part, FOLDER_FLAGS, dir_fd=above)
        finally:
            os.close(above)
    return descriptor


def read_file(path: str, roots: Sequence[str], *, most_bytes: int) -> bytes:
    """The content of a regular file within one of `roots`. The file itself must not be a symbolic link.

    Raises FolderRefused if its folder is not allowed. Raises FileRefused if it cannot be opened, is not a regular file,
    or is larger than `most_bytes`.
    """
    folder, name = _split(path)
    with opened_within(folder, roots) as above:
        try:
            # O_NONBLOCK: without it, open() of a named pipe waits for a writer.
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=above)
        except OSError as exc:
            raise FileRefused(f"The file {path!r} cannot be opened: {exc.strerror}.") from exc
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FileRefused(f"{path!r} is not a regular file.")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(most_bytes + 1)
        finally:
            os.close(descriptor)
    if len(content) > most_bytes:
        raise FileRefused(f"The file {path!r} is larger than {most_bytes:,} bytes.")
    return content


def write_file(path: str, roots: Sequence[str], content: bytes) -> None:
    """Write a file within one of `roots`, whole or not at all. An older file of that name stays until then.

    Raises FolderRefused if its folder is not allowed, and FileRefused if the file cannot be written.
    """
    folder, name = _split(path)
    with opened_within(folder, roots) as above:
        part = f".{secrets.token_hex(8)}.part"
        try:
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640, dir_fd=above)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(descriptor)
                os.rename(part, name, src_dir_fd=above, dst_dir_fd=above)
            except BaseException:
                os.unlink(part, dir_fd=above)
                raise
        except OSError as exc:
            raise FileRefused(f"The file {path!r} cannot be written: {exc.strerror}.") from exc


def absolute(path: str) -> str:
    """Validator for pydantic: the path unchanged. Raises ValueError if it is not absolute."""
    if not path.startswith("/"):
        raise ValueError("write an absolute path, beginning with /")
    return path


def _split(path: str) -> tuple[str, str]:
    """The folder, and the name in it. Raises FileRefused if the path does not end with a name."""
    folder, _, name = path.rpartition("/")
    if name in {"", ".", ".."}:
        raise FileRefused(f"{path!r} names no file.")
    return folder or "/", name
