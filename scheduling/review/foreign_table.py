"""The contract of a crontab whose foreign lines (those that are not Tandem's) can be adopted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.conf import settings
from django.utils.module_loading import import_string

from scheduling.errors import BackendError, Misconfigured

SETTING: Final = "TANDEM_FOREIGN_TABLE"


class ForeignTable(ABC):
    """The lines of this machine's crontab that are not Tandem's. All methods raise BackendError with the reason."""

    @abstractmethod
    def read(self) -> str:
        """The foreign lines. Bytes that are not UTF-8 become surrogate escapes (PEP 383)."""

    @abstractmethod
    def zone(self) -> str:
        """The IANA name of the zone in which cron reads the lines."""

    @abstractmethod
    def comment_out(self, lines: Mapping[int, tuple[str, str]], *, now: datetime) -> str:
        """Turn lines into comments, all or none. `lines` is {number from 1: (the line as `read` returned it, why)}.

        All other bytes stay the same. Returns the name of the backup that was made before. Raises Conflict when one of
        the lines no longer exists.
        """


def foreign_table() -> ForeignTable:
    """The table that TANDEM_FOREIGN_TABLE names by dotted path.

    Raises BackendError when it names none, and Misconfigured when the path does not lead to a ForeignTable.
    """
    path = getattr(settings, SETTING, None)
    if not path:
        raise BackendError(f"No crontab can be read here: {SETTING} names no class for it.")
    try:
        made = import_string(path)()
    except ImportError as exc:
        raise Misconfigured(f"{SETTING} names {path}, which cannot be imported: {exc}") from exc
    if not isinstance(made, ForeignTable):
        raise Misconfigured(f"{SETTING} names {path}, which is not a ForeignTable.")
    return made
