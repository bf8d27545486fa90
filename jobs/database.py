"""`database.backup`: back up a database, and delete its older backups."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone
from pydantic import Field

from jobs.backup import files, postgres, sqlite
from jobs.backup.errors import BackupFailed
from jobs.errors import Cancelled
from scheduling.errors import Problem
from scheduling.job_context import JobContext
from scheduling.registry import job
from scheduling.storable import Json

_BEHIND_POOLER: Final = (
    "Its address leads to a pooler, where pg_dump would change the sessions of others: "
    "set DATABASE_DIRECT_URL to the address of PostgreSQL itself."
)
_SUFFIXES: Final = {"django.db.backends.sqlite3": ".sqlite3", "django.db.backends.postgresql": ".dump"}


def known_database(*, database: str, **_: object) -> Iterator[Problem]:
    """A problem if the setting DATABASES has no such database, or one of another engine than _SUFFIXES has."""
    if connections.settings.get(database, {}).get("ENGINE") not in _SUFFIXES:
        known = [name for name, about in connections.settings.items() if about["ENGINE"] in _SUFFIXES]
        yield Problem("database", "unknown_database", f"Write the name of a database in DATABASES: {', '.join(known)}.")
    elif _leads_to_a_pooler(_address(database)):
        yield Problem("database", "behind_pooler", _BEHIND_POOLER)


@job("database.backup", rule=known_database)
def backup(
    context: JobContext,
    *,
    database: Annotated[str, Field(max_length=50, description="Its name in the setting DATABASES.")] = "default",
    folder: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$",
            max_length=100,
            description="Name of the folder below the setting TANDEM_BACKUPS_ROOT.",
        ),
    ] = "database",
    keep: Annotated[int, Field(ge=1, le=1000, description="How many backups of this database stay there.")] = 7,
    timeout: Annotated[
        float, Field(gt=0, le=86_400, description="Seconds for the dump, and again to check it.")
    ] = 3600,
) -> dict[str, Json]:
    """Back up a database, and delete its older backups.

    PostgreSQL: pg_dump in its custom format. SQLite: its online backup API. Both give a consistent snapshot while the
    database is in use. The file gets its name when it is complete and checked; after that the older backups are
    deleted. Returns `file`, `bytes`, `sha256`, and `deleted`: the names of the deleted backups.

    Behind a pooler in transaction mode it needs DATABASE_DIRECT_URL. Raises BackupFailed, TimedOut and Cancelled.
    """
    about = _address(database)
    suffix = _SUFFIXES[about["ENGINE"]]
    place = Path(settings.TANDEM_BACKUPS_ROOT) / folder
    name = files.name(database, suffix, task_id=context.task_id, at=timezone.now())
    try:
        with files.new_file(place, name) as part:
            _back_up(context, about, part, timeout)
        deleted = files.rotate(place, database, suffix, keep=keep, now=timezone.now())
        context.log.info("%s is complete, %d older deleted", name, len(deleted))
        return _described(place / name) | {"deleted": [*deleted]}
    except OSError as exc:
        raise BackupFailed(f"The file cannot be written: {exc.strerror}.") from exc


def _address(database: str) -> dict[str, Any]:
    """The entry of DATABASES, or that of DATABASE_DIRECT_URL where the entry of Tandem's own leads to a pooler."""
    about: dict[str, Any] = connections.settings[database]
    direct: dict[str, Any] | None = settings.TANDEM_DIRECT_DATABASE
    return direct if direct and database == DEFAULT_DB_ALIAS and _leads_to_a_pooler(about) else about


def _leads_to_a_pooler(about: dict[str, Any]) -> bool:
    """Whether this is an address of a pooler in transaction mode: Django's documentation asks for this setting there.

    pg_dump empties the `search_path` of its session. The pooler gives that session to others, who then find no table.
    """
    return bool(about.get("DISABLE_SERVER_SIDE_CURSORS"))


def _described(path: Path) -> dict[str, Json]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"file": str(path), "bytes": file.tell(), "sha256": digest}


def _back_up(context: JobContext, about: dict[str, Any], part: Path, timeout: float) -> None:
    def step(done: int, total: int) -> None:
        context.progress(done, total, "pages copied")
        if context.cancelled:
            raise Cancelled

    if about["ENGINE"] == "django.db.backends.sqlite3":
        sqlite.back_up(Path(about["NAME"]), part, step=step)
        return
    context.progress(0, 1, "pg_dump")
    postgres.back_up(about, part, timeout=timeout, cancelled=lambda: context.cancelled)
    context.progress(1, 1, "Checked")
