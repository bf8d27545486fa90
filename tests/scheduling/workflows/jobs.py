"""Small jobs for tests of workflows, and a worker that runs the tasks that were handed over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from scheduling import delivery
from scheduling.execution.run import run_attempt
from scheduling.job_context import JobContext
from scheduling.models import Task, Workflow, WorkflowNode
from scheduling.registry import _jobs, job
from scheduling.storable import Json
from scheduling.workflows import service as workflows
from tests.recording import RecordingExecutor

Definition = dict[str, Any]

# While a name is in this set, the job `test.break` fails.
BROKEN = {"broken"}


def echo(context: JobContext, *, value: Any = None) -> Json:
    """Return what was given."""
    return value  # type: ignore[no-any-return]  # a test's own JSON


def add(context: JobContext, *, values: list[int], more: int = 0) -> int:
    """The sum."""
    return sum(values) + more


def give_up(context: JobContext, *, value: Any = None) -> Json:
    """Fail while it is BROKEN."""
    if BROKEN:
        raise ValueError("it is broken")
    return value  # type: ignore[no-any-return]  # a test's own JSON


class Worker:
    """Runs the tasks of the recording executor, one after the other."""

    def __init__(self, queue: RecordingExecutor) -> None:
        self.queue = queue

    def step(self) -> int:
        """Run the oldest message; returns the task's id."""
        task_id, attempt = self.queue.submitted.pop(0)
        released = run_attempt(task_id, attempt, worker="test").released
        delivery.hand_over(released, now=timezone.now())
        return task_id

    def run(self) -> None:
        """Run until nothing is left."""
        while self.queue.submitted:
            self.step()

    def waiting(self) -> list[str]:
        """The names of the tasks that were handed over and have not run."""
        return [Task.objects.get(pk=task_id).name for task_id, _ in self.queue.submitted]


@pytest.fixture
def worker(recorded: RecordingExecutor) -> Iterator[Worker]:
    """A worker, and the jobs `test.echo`, `test.add` and `test.break`."""
    BROKEN.add("broken")
    for name, function in (("test.echo", echo), ("test.add", add), ("test.break", give_up)):
        job(name)(function)
    yield Worker(recorded)
    for name in ("test.echo", "test.add", "test.break"):
        _jobs.pop(name)


def leaf(name: str, value: object = None, **more: Any) -> dict[str, Any]:
    """A member that returns `value`."""
    return {"job": "test.echo", "name": name, "parameters": {"value": value}, **more}


def broken(name: str, **more: Any) -> dict[str, Any]:
    """A member that fails."""
    return {"job": "test.break", "name": name, **more}


def chain(name: str, *members: Definition, **more: Definition) -> Definition:
    """A chain with a name."""
    return {"name": name, "chain": list(members), **more}


def group(name: str, *members: Definition, **more: Definition) -> Definition:
    """A group with a name."""
    return {"name": name, "group": list(members), **more}


def chord(name: str, callback: Definition, *members: Definition, **more: Definition) -> Definition:
    """A chord with a name."""
    return {"name": name, "chord": {"group": list(members), "callback": callback}, **more}


def named(**names: str) -> dict[str, str]:
    """The status of each node by name, from the names by status: `COMPLETED="a b"`."""
    return {name: status for status, given in names.items() for name in given.split()}


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


def a_workflow(definition: dict[str, Any], **more: Any) -> Workflow:
    """A new workflow."""
    return workflows.create(now=timezone.now(), **{"name": "a workflow", "workflow": definition, **more})[0]


def state(workflow: Workflow) -> str:
    """The present status of the workflow."""
    workflow.refresh_from_db()
    return workflow.status


def statuses(workflow: Workflow) -> dict[str, str]:
    """The status of each node that has a name."""
    nodes = WorkflowNode.objects.filter(workflow=workflow).exclude(name="").select_related("task").order_by("number")
    return {node.name: node.status for node in nodes}


def result(workflow: Workflow, name: str) -> Json:
    """The result of the member."""
    task = WorkflowNode.objects.get(workflow=workflow, name=name).task
    assert task is not None
    found: Json = task.result
    return found
