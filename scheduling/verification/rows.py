"""What the checks read of tasks and attempts, as plain rows: a model for each of a million costs many times as much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple


class TaskRow(NamedTuple):
    """The columns of a task that the checks need: no parameters, results and errors, which may be large."""

    pk: int
    schedule_id: int | None
    workflow_id: int | None
    status: str
    attempt: int
    process: str
    events: int
    host: str
    wait_until: datetime | None
    expires: datetime | None
    cancel_asked_at: datetime | None
    send_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class AttemptRow(NamedTuple):
    """The columns of an attempt that the checks need."""

    task_id: int
    number: int
    status: str
    started_at: datetime
    ended_at: datetime | None


def of_each(ids: Iterable[int], rows: Iterable[tuple[Any, ...]]) -> Iterator[Iterable[tuple[Any, ...]]]:
    """For each id, the rows that begin with it. Both are in order of the ids; rows of other ids are left out.

    The rows of an id must be read before the next id is asked for: none are kept.
    """
    groups = groupby(rows, key=itemgetter(0))
    owner, group = next(groups, (None, ()))
    for wanted in ids:
        while owner is not None and owner < wanted:
            owner, group = next(groups, (None, ()))
        yield group if owner == wanted else ()
