"""Where are the tables that we replaced? The last ten of each crontab are files in TANDEM_VAR."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from backends.crontab import files
from scheduling.errors import BackendError, NotFound

FOLDER: Final = "crontab-kept"
# Enough to find what was there before a bad day, and not more than a few megabytes of the longest tables.
MOST_KEPT: Final = 10


def keep(table: bytes, *, folder: Path, target: str, at: float) -> str:
    """Keep a table before it is replaced, and forget the oldest ones. Returns its name.

    `folder` is TANDEM_VAR; `target` names the crontab; `at` is in seconds since 1970. Raises BackendError.
    """
    digest = hashlib.sha256(os.fsencode(target)).hexdigest()[:8]
    name = f"{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%S.%fZ}-{digest}.crontab"
    path = folder / FOLDER / name
    try:
        files.replace(path, table, mode=0o600)
        for old in sorted(path.parent.glob(f"*-{digest}.crontab"))[:-MOST_KEPT]:
            old.unlink(missing_ok=True)
    except OSError as exc:
        raise BackendError(f"The present crontab cannot be kept as {path}, so it was not changed: {exc}") from exc
    return name


def names(folder: Path) -> list[str]:
    """The names of the kept tables, the newest first."""
    return sorted((path.name for path in (folder / FOLDER).glob("*.crontab")), reverse=True)


def read(folder: Path, name: str) -> bytes:
    """The bytes of a kept table. Raises NotFound."""
    if name not in names(folder):
        raise NotFound(f"No table is kept under the name {name[:100]!a}: `manage.py crontab kept` lists the names.")
    return (folder / FOLDER / name).read_bytes()
