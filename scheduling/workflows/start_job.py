"""The job that lets schedules, and tasks with a time of their own, start a workflow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from django.utils import timezone
from pydantic import Field

from scheduling.errors import Problem
from scheduling.job_context import JobContext
from scheduling.models import Task
from scheduling.registry import job
from scheduling.storable import Json
from scheduling.workflows import service as workflows


def _fits(*, workflow: dict[str, Any]) -> Iterator[Problem]:
    yield from workflows.check(workflow)


@job("workflow.start", rule=_fits)
def start(
    context: JobContext,
    *,
    workflow: Annotated[dict[str, Any], Field(description="A definition, as POST /api/workflows/ takes it.")],
) -> dict[str, Json]:
    """Start a workflow.

    The task is COMPLETED once the workflow has started, and starts no second one if it is run again. An occurrence of
    a schedule counts as open until the workflow has ended. Returns `{"workflow": id}`.
    """
    task = Task.objects.get(pk=context.task_id)
    whole, delivery = workflows.create(
        now=timezone.now(), name=task.name, description=task.description, workflow=workflow, started_by=task
    )
    if delivery:
        context.log.info("some of its first tasks wait for: %s", delivery)
    return {"workflow": whole.pk}
