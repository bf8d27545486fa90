"""What was decided about a batch of schedules, stored at once: their new cursors, the tasks, the first events.

The database copies the job, its parameters and its options from the rows of the schedules: they do not travel.
PostgreSQL does all of it in one statement, SQLite in three: there, a part of a WITH clause cannot write.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from django.db import connection
from django.db.models import Field

from scheduling.events import notifier
from scheduling.ledger.given_rows import as_parameter, given_rows
from scheduling.ledger.handing_over import UNCLAIMED_AFTER
from scheduling.ledger.statement import tasks_of
from scheduling.ledger.tables import EVENT, SCHEDULE, TASK
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task
from scheduling.models.execution_options import ExecutionOptions

# The attributes of a task that are copied from its schedule, and where they come from.
COPIED: Final = {
    "schedule_id": "id",
    "name": "name",
    "description": "description",
    "job": "job",
    "parameters": "parameters",
    "executor": "runs_on",
    "owner": "owner",
    "tag_set_id": "tag_set_id",
    **{field.attname: field.attname for field in ExecutionOptions._meta.fields},
}
# The attributes of a task that differ from occurrence to occurrence.
_OF_EACH: Final = ("schedule_id", "due_at", "status", "reason", "host", "send_at", "finished_at")
# The attributes of a task that handing over reads. To read a whole row costs more than to store it.
_READ: Final = (
    "id", "schedule_id", "job", "due_at", "woken_by", "status", "executor", "host", "attempt", "send_at", "sends",
    "events", "priority", "queue",
)  # fmt: skip
# The attributes of a schedule that a decision changes.
_DECIDED: Final = ("id", "cursor", "next_due_at", "tzdata", "woken_at", "overdue_at")
# An event says the reason, if there is one: as `moves.reason_detail`.
_DETAIL: Final = {
    "postgresql": "CASE reason WHEN '' THEN '{}' ELSE jsonb_build_object('reason', reason) END",
    "sqlite": "CASE reason WHEN '' THEN '{}' ELSE json_object('reason', reason) END",
}


@dataclass(frozen=True, slots=True)
class DecidedOccurrence:
    """What was decided about an occurrence. `host` is the machine that its task must run on, or ''."""

    schedule_id: int
    due_at: datetime
    status: Status
    reason: str
    host: str


def record_occurrences(
    schedules: Iterable[Schedule], occurrences: Iterable[DecidedOccurrence], *, woken_by: str, now: datetime
) -> list[Task]:
    """Store a task with its first event for each occurrence, and up to when the schedules are decided.

    Returns the tasks, with ascending ids: those due first are in front. They hold what handing over reads, and read all
    else when they are asked for it. An occurrence that the ledger already has gets no second task: after a backup is
    restored, a cursor may be behind. The caller has locked the rows of the schedules.
    """
    decided = as_parameter([getattr(one, name) for name in _DECIDED] for one in schedules)
    rows = as_parameter(_of_each(one, now) for one in occurrences)
    parameters = [rows, *_of_all(woken_by, now)]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_all_at_once(), [decided, *parameters])
            made = tasks_of(_READ, cursor.fetchall())
        else:
            cursor.execute(f"WITH {_decided()} {_move_on()}", [decided])
            cursor.execute(f"WITH {_of_each_given()} {_insert(_read())}", parameters)
            made = tasks_of(_READ, cursor.fetchall())
            ids = as_parameter([task.pk] for task in made)
            cursor.execute(f"WITH made AS ({_tasks_given()}) {_first_events()}", [ids])
    notifier.announce([task.pk for task in made])
    return sorted(made, key=lambda task: task.pk)


def _of_each(one: DecidedOccurrence, now: datetime) -> tuple[object, ...]:
    """The values of _OF_EACH."""
    send_at = now + UNCLAIMED_AFTER if one.status is Status.QUEUED else None
    finished_at = now if one.status in {Status.SKIPPED, Status.MISSED} else None
    return one.schedule_id, one.due_at, one.status, one.reason, one.host, send_at, finished_at


def _of_all(woken_by: str, now: datetime) -> list[Any]:
    """The values of `_same`, which all tasks of the batch have."""
    pattern = Task(woken_by=woken_by, created_at=now, events=1)
    return [field.get_db_prep_save(getattr(pattern, field.attname), connection) for field in _same()]


@cache
def _same() -> list[Field[Any, Any]]:
    """The fields of a task that all tasks of a batch have alike. The id is generated."""
    known = {"id", *COPIED, *_OF_EACH}
    return [field for field in Task._meta.concrete_fields if field.attname not in known]


@cache
def _all_at_once() -> str:
    parts = (
        _decided(),
        f"moved_on AS ({_move_on()})",
        _of_each_given(),
        f"made AS ({_insert('*')})",
        f"told AS ({_first_events()})",
    )
    return f"WITH {', '.join(parts)} SELECT {_read()} FROM made"


def _decided() -> str:
    return given_rows("decided", SCHEDULE, _DECIDED)


def _of_each_given() -> str:
    return given_rows("given", TASK, _OF_EACH)


def _move_on() -> str:
    changes = ", ".join(f"{name} = decided.{name}" for name in SCHEDULE.columns(_DECIDED[1:]))
    return f"UPDATE {SCHEDULE} SET {changes} FROM decided WHERE {SCHEDULE}.id = decided.id"


def _read() -> str:
    return ", ".join(TASK.columns(_READ))


def _insert(returned: str) -> str:
    """The statement that makes the tasks, in the order in which they were due. It returns these columns of each."""
    sources = [f"schedule.{name}" for name in SCHEDULE.columns(COPIED.values())]
    values = {
        **dict(zip(TASK.columns(COPIED), sources, strict=True)),
        **{name: f"given.{name}" for name in TASK.columns(_OF_EACH)},
        **{f'"{field.column}"': "%s" for field in _same()},
    }
    # Without the WHERE, SQLite takes ON CONFLICT for a condition of the JOIN.
    return (
        f"INSERT INTO {TASK} ({', '.join(values)}) SELECT {', '.join(values.values())} "
        f"FROM given JOIN {SCHEDULE} schedule ON schedule.id = given.schedule_id "
        f"WHERE true ORDER BY given.due_at, given.schedule_id "
        f"ON CONFLICT ({', '.join(TASK.columns(('schedule', 'due_at')))}) DO NOTHING RETURNING {returned}"
    )


def _first_events() -> str:
    names = ", ".join(EVENT.columns(("task_id", "number", "at", "status", "detail")))
    given = ", ".join(TASK.columns(("id", "events", "created_at", "status")))
    return f"INSERT INTO {EVENT} ({names}) SELECT {given}, {_DETAIL[connection.vendor]} FROM made"


def _tasks_given() -> str:
    return f"SELECT * FROM {TASK} WHERE id IN (SELECT json_extract(value, '$[0]') FROM json_each(%s))"
