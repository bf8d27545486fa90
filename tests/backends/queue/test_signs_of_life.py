"""What a worker's parent does when the children of its pool change."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection
from pytest_django import DjangoAssertNumQueries

from backends.queue.signs_of_life import look
from scheduling import ledger
from scheduling.lifecycle import Status
from scheduling.models import Task
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule, at
from tests.process_rows import ended_process

pytestmark = pytest.mark.django_db

NONE: frozenset[int] = frozenset()
TWO = frozenset({11, 12})


@pytest.fixture
def lost() -> Task:
    """A task that a process ran that has ended."""
    task = ledger.claim(a_task(a_schedule()).pk, 1, worker="me", now=at("2026-11-20 12:00"), process=ended_process())
    assert task is not None
    return task


def status(task: Task) -> str:
    task.refresh_from_db()
    return task.status


@pytest.mark.parametrize(("known", "present"), [(TWO, frozenset({11})), (TWO, frozenset({11, 13})), (NONE, TWO)])
def test_a_change_of_the_children_gives_up_what_ended_processes_ran(
    lost: Task, known: frozenset[int], present: frozenset[int]
) -> None:
    """The last one: a child that died before the first look was never known."""
    assert look(present, known) == present
    assert status(lost) == Status.FAILED


def test_without_a_change_nobody_is_asked(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert look(TWO, TWO) == TWO


def test_what_the_database_did_not_take_is_told_with_the_next_look(lost: Task) -> None:
    def away(*_: object) -> object:
        raise OperationalError("gone away")

    with connection.execute_wrapper(away), pytest.MonkeyPatch.context() as patched:
        # The connection holds the transaction of this test.
        patched.setattr(connection, "close", lambda: None)
        known = look(TWO, NONE)
    assert known == NONE
    assert status(lost) == Status.RUNNING
    assert look(TWO, known) == TWO
    assert status(lost) == Status.FAILED
