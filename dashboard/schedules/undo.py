"""What was last done to many schedules, kept in the session of who did it, and taken back."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils.dateparse import parse_datetime

from scheduling import bulk, drafts, schedules
from scheduling.errors import Conflict, TandemError
from scheduling.models import Schedule

# The name in the session.
KEPT: Final = "tandem-undo"
# For so long it can be taken back.
FOR: Final = timedelta(minutes=30)
# What each action changes. Every request reads the session: of a thousand schedules it holds no more than that.
_CHANGED: Final = {
    "pause": ("paused",), "resume": ("paused",), "move": ("backend", "host"),
    "delete": tuple(drafts.ScheduleFields.__annotations__),
}  # fmt: skip
_SPANS: Final = ("catch_up_window", "grace")
_TIMES: Final = ("starts_at", "ends_at")


def keep(session: MutableMapping[str, Any], what: str, before: Iterable[Schedule], now: datetime) -> None:
    """Keep the schedules as they were before `what` was done to them."""
    rows = [_kept(row, _CHANGED[what]) for row in before]
    if rows:
        session[KEPT] = {"what": what, "at": now.isoformat(), "rows": rows}


def offered(session: MutableMapping[str, Any], now: datetime) -> dict[str, Any] | None:
    """What can be taken back at present: `what`, and the number of schedules; None for nothing."""
    kept = session.get(KEPT)
    if not kept or now - datetime.fromisoformat(kept["at"]) > FOR:
        return None
    return {"what": kept["what"], "count": len(kept["rows"])}


def take_back(session: MutableMapping[str, Any], *, now: datetime) -> int:
    """Make the schedules what they were. Returns how many; one that was deleted is stored anew, with a new id.

    Raises Conflict where there is nothing to take back.
    """
    if offered(session, now) is None:
        raise Conflict("There is nothing to take back any more.")
    kept = session.pop(KEPT)
    done = [row for row in kept["rows"] if _back(kept["what"], row, now)]
    return len(done)


def _back(what: str, row: dict[str, Any], now: datetime) -> bool:
    fields = _fields(row["fields"])
    try:
        if what == "delete":
            schedules.create(now=now, **fields)
        elif what == "move":
            schedules.update(row["pk"], now=now, backend=fields["backend"], host=fields["host"])
        else:
            found = bulk.change_all(bulk.Chosen((row["pk"],)), now=now, partial=True, paused=fields["paused"])
            return isinstance(found[row["pk"]], bulk.Changed)
    except TandemError:
        return False  # deleted meanwhile, or its key is taken: the number that is told says so
    return True


def _kept(row: Schedule, names: Iterable[str]) -> dict[str, Any]:
    """As JSON, which is what sessions hold."""
    fields = {name: getattr(row, name) for name in names}
    fields |= {name: fields[name].total_seconds() for name in _SPANS if name in fields}
    fields |= {name: fields[name].isoformat() for name in _TIMES if fields.get(name) is not None}
    return {"pk": row.pk, "fields": fields}


def _fields(kept: dict[str, Any]) -> Any:
    found = dict(kept)
    found |= {name: timedelta(seconds=kept[name]) for name in _SPANS if name in kept}
    found |= {name: parse_datetime(kept[name]) for name in _TIMES if kept.get(name) is not None}
    return found
