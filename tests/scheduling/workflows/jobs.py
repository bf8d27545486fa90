"""Small jobs for tests of workflows, a worker that runs the tasks that were handed over, and what became of them."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from scheduling import delivery
from scheduling.execution.run import run_attempt
from scheduling.job_context import JobContext
from scheduling.models import Task, Workflow, WorkflowNode
from scheduling.storable import Json
from scheduling.workflows import service as workflows
from tests.recording import RecordingExecutor
from tests.scheduling.workflows.definitions import Definition

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


def named(**names: str) -> dict[str, str]:
    """The status of each node by name, from the names by status: `COMPLETED="a b"`."""
    return {name: status for status, given in names.items() for name in given.split()}


def a_workflow(definition: Definition, **more: Any) -> Workflow:
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
