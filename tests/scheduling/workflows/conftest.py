"""A worker and its jobs, and a workflow that nothing may touch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scheduling.registry import _jobs, job
from tests.recording import RecordingExecutor
from tests.scheduling.workflows.definitions import chain, chord, group, leaf
from tests.scheduling.workflows.jobs import BROKEN, Worker, a_workflow, add, echo, give_up, named, state, statuses


@pytest.fixture
def worker(recorded: RecordingExecutor) -> Iterator[Worker]:
    """A worker, and the jobs `test.echo`, `test.add` and `test.break`."""
    BROKEN.add("broken")
    for name, function in (("test.echo", echo), ("test.add", add), ("test.break", give_up)):
        job(name)(function)
    yield Worker(recorded)
    for name in ("test.echo", "test.add", "test.break"):
        _jobs.pop(name)


@pytest.fixture
def another(worker: Worker) -> Iterator[None]:
    """Another workflow, which waits all the time. Nothing of it may change."""
    steps = leaf("1", on_success=leaf("2")), group("3", leaf("4")), chord("5", leaf("6"), leaf("7"))
    waiting = a_workflow(chain("another", *steps))
    worker.queue.submitted.clear()
    yield
    assert statuses(waiting) == named(RUNNING="another 1", SCHEDULED="2 3 4 5 6 7")
    assert state(waiting) == "RUNNING"
    assert set(waiting.tasks.values_list("status", "cancel_asked_at")) == {("QUEUED", None), ("SCHEDULED", None)}
