"""Pages of long lists: each page names the last row of the one before, so every page is as fast as the first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import QueryDict

Row = TypeVar("Row", bound=Model)

# Rows of a page: two screens, and well below 100 kB.
SIZE: Final = 50
# What is shown as a number: more is "many" to a reader, and counting a million takes a tenth of a second.
MOST_COUNTED: Final = 1_000
# The orders that every list has, which its indexes give together with each filter: `?sort=`, and its name.
ORDERS: Final = {"": "Newest first", "oldest": "Oldest first"}


@dataclass(frozen=True, slots=True)
class Part(Generic[Row]):
    """The rows of one page. `next` is the value of `before` for the page that follows; None on the last one."""

    rows: list[Row]
    next: int | str | None
    first: bool


def part(rows: QuerySet[Row], parameters: QueryDict) -> Part[Row]:
    """The page that `?before=` asks for, in the order of `?sort=`. What is no number shows the first page."""
    before = id_in(parameters.get("before", ""))
    order, beyond = ("pk", "pk__gt") if parameters.get("sort") == "oldest" else ("-pk", "pk__lt")
    wanted: Any = rows.order_by(order) if before is None else rows.filter(**{beyond: before}).order_by(order)
    found: list[Row] = list(wanted[: SIZE + 1])
    shown = found[:SIZE]
    return Part(shown, shown[-1].pk if len(found) > SIZE else None, first=before is None)


def bounded(rows: QuerySet[Any]) -> str:
    """How many rows there are, as text; `1,000+` for more than MOST_COUNTED: no more are looked at."""
    found = rows.order_by()[: MOST_COUNTED + 1].count()
    return f"{MOST_COUNTED:,}+" if found > MOST_COUNTED else f"{found:,}"


def id_in(text: str) -> int | None:
    """The id that a parameter of an address holds; None where it holds none."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None
