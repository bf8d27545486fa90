"""Opening a folder that must lie within certain others, and cannot be exchanged once it is checked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from scheduling.errors import TandemError

# O_NOFOLLOW: a component that became a symbolic link after it was checked fails to open (open(2)).
FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class FolderRefused(TandemError):
    """This folder is not one that jobs may work in."""

    code = "folder_refused"


@contextmanager
def opened_within(folder: str, roots: Sequence[str]) -> Iterator[int]:
    """A descriptor of `folder`, which lies within one of `roots` (or is one) once links are resolved.

    Raises FolderRefused for a folder that lies elsewhere, is missing, or cannot be opened. What lies
    elsewhere is refused in the same words whether it exists or not.
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
    """Open `root`, then one part at a time below it. The caller closes the descriptor."""
    descriptor = os.open(root, FOLDER_FLAGS)
    for part in parts:
        above = descriptor
        try:
            descriptor = os.open(part, FOLDER_FLAGS, dir_fd=above)
        finally:
            os.close(above)
    return descriptor
