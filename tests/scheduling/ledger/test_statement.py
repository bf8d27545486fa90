"""The statements of an attempt's moves, beside what Django's own way makes of the same rows."""

from __future__ import annotations

import pytest
from django.forms import model_to_dict

from scheduling import ledger
from scheduling.ledger.statement import moved, task_columns
from scheduling.ledger.tables import TABLES, written
from scheduling.models import Task, TaskEvent
from tests.conftest import at

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")
LATER = at("2026-11-20 10:01")


def a_task() -> Task:
    """A queued task with a value in every kind of column."""
    task = Task(
        name="a task", job="demo.process_data", parameters={"steps": [1, "zwei"]}, due_at=NOW, woken_by="request",
        status="QUEUED", executor="worker", expires=LATER, progress={"done": 1}, result=None, soft_timeout=3,
        retries={"max": 2}, send_at=NOW, sends=2, priority=9,
    )  # fmt: skip
    return ledger.record([task], NOW)[0]


def test_what_a_claim_returns_is_the_row() -> None:
    claimed = ledger.claim(a_task().pk, 1, worker="me", process="a key", now=NOW)
    assert claimed is not None
    stored = Task.objects.get(pk=claimed.pk)
    names = [field.attname for field in Task._meta.concrete_fields]
    assert [getattr(claimed, name) for name in names] == [getattr(stored, name) for name in names]
    assert not claimed.get_deferred_fields()
    # It is a stored row to Django: to save it is an UPDATE.
    assert (claimed._state.adding, claimed._state.db) == (False, "default")
    assert model_to_dict(claimed) == model_to_dict(stored)


def test_where_nothing_moves_nothing_else_is_written() -> None:
    task = a_task()
    update = written(
        "UPDATE {task} SET {task.sends} = 7 WHERE {task.id} = %(id)s AND 1 = 0 RETURNING {columns}",
        columns=task_columns(),
    )
    part = written(
        """INSERT INTO {event} ({event.task}, {event.number}, {event.at}, {event.status}, {event.detail})
        SELECT {task.id}, 9, {task.created_at}, 'QUEUED', '{{}}' FROM moved"""
    )
    assert moved(update, (part,), {"id": task.pk}) is None
    assert TaskEvent.objects.filter(task=task).count() == 1


def test_a_field_that_is_not_there_is_an_error() -> None:
    with pytest.raises(AttributeError, match="Task has no field colour"):
        written("{task.colour}")
    assert str(TABLES["task"]) == f'"{Task._meta.db_table}"'
    assert '"schedule_id"' in task_columns()
