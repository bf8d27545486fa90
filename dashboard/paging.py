"""Pages of long lists, newest first: each page names the last row of the one before, so every page is as fast."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict

Row = TypeVar("Row", bound=Model)

# Rows of a page: two screens, and well below 100 kB.
SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class Part(Generic[Row]):
    """The rows of one page. `older` is the value of `before` for the next page; None on the last one."""

    rows: list[Row]
    older: int | None
    first: bool


def part(rows: QuerySet[Row], parameters: QueryDict) -> Part[Row]:
    """The page that `?before=` asks for. What is no number shows the first page."""
    before = id_in(parameters.get("before", ""))
    wanted: Any = rows.order_by("-pk") if before is None else rows.filter(pk__lt=before).order_by("-pk")
    found: list[Row] = list(wanted[: SIZE + 1])
    shown = found[:SIZE]
    return Part(shown, shown[-1].pk if len(found) > SIZE else None, first=before is None)


def id_in(text: str) -> int | None:
    """The id that a parameter of an address holds; None where it holds none."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None
