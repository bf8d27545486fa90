"""The job that starts a workflow, and what its members take from the task that starts it."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from scheduling import delivery, tasks
from scheduling.errors import InvalidRequest
from scheduling.models import Host, Task, TaskLogLine, Workflow
from scheduling.workflows import service as workflows
from tests.conftest import a_schedule, at
from tests.scheduling.workflows.definitions import Definition, broken, chain, group, leaf
from tests.scheduling.workflows.jobs import Worker

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("another")]

NOW = at("2026-11-20 10:00")


def starting(definition: Definition, **more: Any) -> Task:
    """A task that starts a workflow, handed over."""
    asked = {"name": "starts it", "description": "each night", "job": "workflow.start"} | more
    task, _ = tasks.create(now=timezone.now(), parameters={"workflow": definition}, **asked)
    return task


@pytest.mark.parametrize("away", ["", "the broker is away"])
def test_the_workflow_is_called_as_the_task_and_the_log_says_what_becomes_of_it(worker: Worker, away: str) -> None:
    task = starting(chain("c", leaf("a"), leaf("b")))
    worker.queue.error = away
    worker.step()
    task.refresh_from_db()
    workflow = Workflow.objects.get(started_by=task)
    assert (task.status, task.result) == ("COMPLETED", {"workflow": workflow.pk})
    assert (workflow.name, workflow.description, workflow.schedule) == ("starts it", "each night", None)
    [line] = TaskLogLine.objects.filter(task=task)
    assert line.message == f"workflow {workflow.pk} has started; its first tasks: {away or 'sent'}"
    assert set(workflow.tasks.values_list("woken_by", "status")) == {("workflow", "QUEUED"), ("workflow", "SCHEDULED")}


def stored(task: Task) -> Task:
    """The task with a row."""
    task.status, task.created_at = "RUNNING", NOW
    task.save()
    return task


def test_members_run_where_the_task_runs_unless_they_say_otherwise(worker: Worker) -> None:
    started_by = Task(name="w", job="workflow.start", executor="inline", host="far")
    Host.objects.create(name="far", zone="UTC", heartbeat_at=timezone.now())
    workflow, _ = workflows.create(
        now=NOW, name="w", workflow=group("g", leaf("a"), leaf("b", executor="worker")), started_by=stored(started_by)
    )
    assert dict(workflow.tasks.values_list("name", "host")) == {"a": "far", "b": ""}
    assert dict(workflow.tasks.values_list("name", "executor")) == {"a": "inline", "b": "worker"}


def test_a_workflow_is_stored_once_as_it_was_asked_for(worker: Worker) -> None:
    schedule = a_schedule(now=NOW)
    started_by = stored(Task(name="w", schedule=schedule, executor="worker"))
    asked: dict[str, Any] = {"name": "w", "description": "long", "workflow": leaf("a"), "started_by": started_by}
    workflow, said = workflows.create(now=NOW, **asked)
    workflow.refresh_from_db()
    assert (workflow.name, workflow.description, workflow.definition) == ("w", "long", leaf("a"))
    assert (workflow.schedule, workflow.started_by, workflow.created_at, said) == (schedule, started_by, NOW, "sent")
    again, said = workflows.create(now=timezone.now(), **asked)
    assert (again, said) == (workflow, "sent")
    assert worker.waiting() == ["a"]
    alone, _ = workflows.create(now=NOW, name="w", workflow=leaf("b"))
    alone.refresh_from_db()
    assert (alone.schedule, alone.started_by, alone.created_at, alone.description) == (None, None, NOW, "")


REFUSED: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"name": " "}, [("name", "blank")]),
    ({"name": "\x00"}, [("name", "not_storable")]),
    ({"description": "\x00"}, [("description", "not_storable")]),
    ({"description": "\x00", "name": ""}, [("description", "not_storable"), ("name", "blank")]),
    ({"workflow": leaf("a", "\x00")}, [("workflow", "not_storable")]),
    ({"workflow": leaf("a", "x" * 1_000_000)}, [("workflow", "not_storable")]),
    ({"workflow": leaf("a", executor="inline", host="nowhere")}, [("workflow.host", "no_crontab")]),
]


@pytest.mark.parametrize(("wrong", "problems"), REFUSED)
def test_what_cannot_be_stored_is_refused_by_its_member(
    worker: Worker, wrong: dict[str, Any], problems: list[tuple[str, str]]
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        workflows.create(**{"now": NOW, "name": "w", "workflow": leaf("a"), **wrong})
    assert [(problem.field, problem.code) for problem in refused.value.problems] == problems
    assert Workflow.objects.count() == 1


def test_what_is_filled_later_is_not_checked_before(worker: Worker) -> None:
    later = {"job": "test.add", "name": "b", "parameters": {"values": [1], "more": {"x": {"$result": True}}}}
    assert workflows.check(chain("c", leaf("a"), later)) == []
    wrong = {"job": "test.add", "name": "b", "parameters": {"values": [{"$result": True}, "x"], "more": "y"}}
    found = workflows.check(chain("c", leaf("a"), wrong))
    assert sorted(problem.field.removeprefix("workflow.chain.1.parameters.") for problem in found) == [
        "more",
        "values.1",
    ]


def test_a_cancel_and_a_retry_answer_with_what_is_so_now(worker: Worker) -> None:
    workflow, _ = workflows.create(now=NOW, name="w", workflow=chain("c", broken("a"), leaf("b")))
    cancelled = workflows.cancel(workflow.pk, now=NOW, reason="enough")
    assert (cancelled, cancelled.status, cancelled.reason, cancelled.finished_at) == (
        workflow, "CANCELLED", "enough", NOW,
    )  # fmt: skip
    worker.queue.submitted.clear()
    worker.queue.error = "the broker is away"
    retried, said = workflows.retry(workflow.pk, now=NOW)
    assert (retried, retried.status, said) == (workflow, "RUNNING", "the broker is away")
    assert delivery.take_unclaimed(now=NOW, host="testhost") == []
