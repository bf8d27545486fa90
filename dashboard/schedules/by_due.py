"""The list of schedules in the order in which they are due next."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.http import QueryDict

from dashboard.paging import ORDERS as OF_ALL_LISTS
from dashboard.paging import SIZE, Part, id_in, part
from scheduling.backend import backend_names
from scheduling.models import Schedule

BY_DUE: Final = "due"
# The orders that can be asked for.
ORDERS: Final = {**OF_ALL_LISTS, BY_DUE: "Next due first"}

# When a schedule is due, and its id.
Place = tuple[datetime, int]


def page(rows: QuerySet[Schedule], parameters: QueryDict) -> Part[Schedule]:
    """The page that the address asks for. By due time it has the schedules that are due at all, on known backends."""
    if parameters.get("sort") != BY_DUE:
        return part(rows, parameters)
    after = _place(parameters.get("before", ""))
    places = [place for name in backend_names() for place in _places(rows.filter(routed_to=name), after)]
    found = list(islice(sorted(places), SIZE + 1))
    shown = found[:SIZE]
    by_id = rows.in_bulk([pk for _, pk in shown])
    # One that was deleted meanwhile is left out.
    kept = [by_id[pk] for _, pk in shown if pk in by_id]
    return Part(kept, _text(shown[-1]) if len(found) > SIZE else None, first=after is None)


def _places(rows: QuerySet[Schedule], after: Place | None) -> list[Place]:
    """The first places of one backend. The index on (routed_to, next_due_at) gives them in order."""
    wanted: Any = rows.filter(next_due_at__isnull=False)
    if after is not None:
        at, pk = after
        wanted = wanted.filter(Q(next_due_at__gt=at) | Q(pk__gt=pk), next_due_at__gte=at)
    found: list[Place] = list(wanted.order_by("next_due_at", "pk").values_list("next_due_at", "pk")[: SIZE + 1])
    return found


def _text(place: Place) -> str:
    at, pk = place
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat()}~{pk}"


def _place(text: str) -> Place | None:
    """What `_text` has made of a place; None for anything else."""
    at, _, pk = text.partition("~")
    number = id_in(pk)
    try:
        due = datetime.fromisoformat(at)
    except ValueError:
        return None
    return None if number is None or due.tzinfo else (due.replace(tzinfo=UTC), number)
