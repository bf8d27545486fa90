"""The contract of a table whose other lines, those that are not Tandem's, can be adopted."""

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
    """This machine's crontab, as far as it is not ours. All methods raise BackendError with the reason."""

    @abstractmethod
    def read(self) -> str:
        """The foreign lines. What is no UTF-8 in them comes as surrogate escapes (PEP 383)."""

    @abstractmethod
    def zone(self) -> str:
        """The IANA name of the zone in which the lines are read."""

    @abstractmethod
    def comment_out(self, lines: Mapping[int, tuple[str, str]], *, now: datetime) -> str:
        """Turn lines into comments, each {number from 1: (the line as `read` gave it, why)}; all or none.

        All other bytes stay as they are. Returns the name of the backup that was made before. Raises Conflict where
        one of the lines is not there any more.
        """


def foreign_table() -> ForeignTable:
    """The table that TANDEM_FOREIGN_TABLE names by dotted path.

    Raises BackendError where it names none, and Misconfigured where the name leads nowhere.
    """
    path = getattr(settings, SETTING, None)
    if not path:
        raise BackendError(f"No crontab can be read here: {SETTING} does not name the class that would.")
    try:
        made = import_string(path)()
    except ImportError as exc:
        raise Misconfigured(f"{SETTING} names {path}, which cannot be imported: {exc}") from exc
    if not isinstance(made, ForeignTable):
        raise Misconfigured(f"{SETTING} names {path}, which is no ForeignTable.")
    return made
