"""Log lines of a running task have the ids of the task, its attempt and its schedule."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from scheduling import log_context
from scheduling.execution.run import run_attempt
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule


class Marks(logging.Handler):
    """Remembers the ids that held when each line was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[log_context.Ids] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(log_context.current())


@pytest.fixture
def marks() -> Iterator[Marks]:
    handler, log = Marks(), logging.getLogger("scheduling")
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)


def test_ids_add_up_and_the_inner_one_holds() -> None:
    with log_context.bound(task_id=1, attempt=1), log_context.bound(attempt=2, schedule_id=3):
        assert log_context.current() == {"task_id": 1, "attempt": 2, "schedule_id": 3}
    assert log_context.current() == {}


def test_an_error_inside_leaves_no_id_behind() -> None:
    with pytest.raises(KeyError), log_context.bound(task_id=1):
        raise KeyError
    assert log_context.current() == {}


@pytest.mark.django_db
def test_the_lines_of_an_execution_have_the_ids_of_its_task(marks: Marks) -> None:
    schedule = a_schedule()
    task = a_task(schedule, job="no.such.job")
    run_attempt(task.pk, 1, worker="a worker")
    assert marks.seen
    assert all(ids == {"task_id": task.pk, "attempt": 1, "schedule_id": schedule.pk} for ids in marks.seen)


@pytest.mark.django_db
def test_a_message_that_finds_nothing_says_which_it_was(marks: Marks, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "scheduling"):
        run_attempt(99, 2, worker="a worker")
    assert marks.seen == [{"task_id": 99, "attempt": 2}]
