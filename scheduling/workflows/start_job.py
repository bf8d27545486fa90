"""The job `workflow.start`: with it, a schedule or a one-off task starts a workflow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from scheduling import clock
from scheduling.errors import Problem
from scheduling.job_context import JobContext
from scheduling.models import Task
from scheduling.registry import job
from scheduling.storable import Json
from scheduling.workflows import service as workflows


def _problems(*, workflow: dict[str, Any]) -> Iterator[Problem]:
    yield from workflows.check(workflow)


@job("workflow.start", rule=_problems)
def start(
    context: JobContext,
    *,
    workflow: Annotated[dict[str, Any], Field(description="A definition, as POST /api/workflows/ takes it.")],
) -> dict[str, Json]:
    """Start a workflow.

    The task is COMPLETED when the workflow has started. If the task runs again, it does not start a second workflow. An
    occurrence of a schedule counts as open until the workflow has ended. Returns `{"workflow": id}`.
    """
    task = Task.objects.get(pk=context.task_id)
    started, delivered = workflows.create(
        now=clock.now(), name=task.name, description=task.description, workflow=workflow, started_by=task
    )
    context.log.info("workflow %d has started; its first tasks: %s", started.pk, delivered)
    return {"workflow": started.pk}
