"""What a retry of a workflow runs again, what waits again, and what stays as it was."""

from __future__ import annotations

from collections import Counter

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from scheduling.models import Task, Workflow
from scheduling.workflows import service as workflows
from tests.scheduling.workflows.definitions import Definition, broken, chain, chord, group, leaf
from tests.scheduling.workflows.jobs import BROKEN, Worker, a_workflow, named, state, statuses

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("another")]

RETRIED = [
    pytest.param(
        chain(
            "all",
            leaf("a", on_success=leaf("x"), on_failure=leaf("n")),
            broken("b", on_failure=leaf("y")),
            group("g", leaf("c"), chain("d", leaf("e"))),
            on_success=leaf("z"),
            on_failure=leaf("w"),
        ),
        named(RUNNING="all b", COMPLETED="a x", SKIPPED="n", SCHEDULED="y g c d e z w"),
        named(COMPLETED="all a x b g c d e z", SKIPPED="n y w"),
        id="a chain",
    ),
    pytest.param(
        group("g", chain("c", broken("a"), leaf("b")), leaf("d", on_success=leaf("e")), broken("f")),
        named(RUNNING="g c a f", COMPLETED="d e", SCHEDULED="b"),
        named(COMPLETED="g c a b d e f"),
        id="a group",
    ),
    pytest.param(
        chord("h", leaf("call", on_success=leaf("x")), broken("a"), leaf("b")),
        named(RUNNING="h a", COMPLETED="b", SCHEDULED="call x"),
        named(COMPLETED="h a b call x"),
        id="a member of a chord",
    ),
    pytest.param(
        chord("h", broken("call"), leaf("a"), leaf("b")),
        named(RUNNING="h call", COMPLETED="a b"),
        named(COMPLETED="h call a b"),
        id="the callback of a chord",
    ),
    pytest.param(
        leaf("a", on_success=chain("c", leaf("x"), broken("y"), leaf("z")), on_failure=leaf("n")),
        named(COMPLETED="a x", RUNNING="c y", SCHEDULED="z", SKIPPED="n"),
        named(COMPLETED="a c x y z", SKIPPED="n"),
        id="inside of on_success",
    ),
    pytest.param(
        group("g", leaf("a", on_success=broken("x")), leaf("b")),
        named(COMPLETED="g a b", RUNNING="x"),
        named(COMPLETED="g a b x"),
        id="below what completed",
    ),
]


@pytest.mark.parametrize(("definition", "after_retry", "at_the_end"), RETRIED)
def test_what_failed_runs_again_and_what_follows_waits_again(
    worker: Worker, definition: Definition, after_retry: dict[str, str], at_the_end: dict[str, str]
) -> None:
    workflow = a_workflow(definition)
    worker.run()
    assert state(workflow) == "FAILED"
    tasks = {node.name: node.task_id for node in workflow.nodes.exclude(task=None).order_by("number")}
    BROKEN.clear()
    workflow, said = workflows.retry(workflow.pk, now=timezone.now())
    assert said == "sent"
    assert statuses(workflow) == after_retry
    retried = [name for name in tasks if after_retry[name] == "RUNNING"]
    assert worker.waiting() == retried
    # What waits again does so with a new task; everything else keeps its own.
    present = {node.name: node.task_id for node in workflow.nodes.exclude(task=None).order_by("number")}
    assert {name for name in tasks if tasks[name] != present[name]} == {
        name for name in tasks if after_retry[name] == "SCHEDULED"
    }
    assert dict(Task.objects.filter(name__in=retried).values_list("name", "attempt")) == dict.fromkeys(retried, 2)
    worker.run()
    assert statuses(workflow) == at_the_end
    assert state(workflow) == "COMPLETED"
    runs = Counter(Task.objects.filter(workflow=workflow, attempts__isnull=False).values_list("name", flat=True))
    assert {name for name, times in runs.items() if times > 1} <= {*retried, "y", "w"}


def test_a_retry_of_a_cancelled_workflow_forgets_the_cancel(worker: Worker) -> None:
    workflow = a_workflow(chain("all", leaf("a"), group("g", leaf("b"), leaf("c")), leaf("d")))
    worker.step()
    worker.step()
    workflows.cancel(workflow.pk, now=timezone.now())
    worker.queue.submitted.clear()
    workflow, _ = workflows.retry(workflow.pk, now=timezone.now())
    assert (workflow.status, workflow.reason) == ("RUNNING", "")
    assert (workflow.cancel_asked_at, workflow.finished_at) == (None, None)
    assert statuses(workflow) == named(RUNNING="all g c", COMPLETED="a b", SCHEDULED="d")
    workflows.cancel(workflow.pk, now=timezone.now(), reason="once more")
    assert (state(workflow), workflow.reason) == ("CANCELLED", "once more")


def test_a_task_that_waits_again_is_the_same_but_for_its_history(worker: Worker) -> None:
    options = {
        "description": "long", "priority": 9, "queue": "mine", "retries": {"max": 3}, "soft_timeout": 5, "timeout": 9,
        "on_lost": "retry", "executor": "inline", "limit_key": "customer-7",
    }  # fmt: skip
    owned = {"owner": Group.objects.create(name="red").pk, "tags": ["nightly"]}
    workflow = a_workflow(chain("all", broken("a"), leaf("b", [1, {"x": 2}], **options)), **owned)
    worker.run()
    workflows.retry(workflow.pk, now=timezone.now())
    was, again = (
        Task.objects.filter(name="b")
        .order_by("pk")
        .values("workflow_id", "job", "parameters", "woken_by", "host", "owner", "tag_set__names", *options)
    )
    assert was == again
    assert was["parameters"] == {"value": [1, {"x": 2}]}
    assert (was["description"], was["queue"], was["host"]) == ("long", "mine", "testhost")
    assert (was["owner"], was["tag_set__names"]) == (owned["owner"], "nightly")
    assert list(Task.objects.filter(name="b").order_by("pk").values_list("status", "reason")) == [
        ("CANCELLED", "the member before it, 'a', is FAILED"), ("SCHEDULED", ""),
    ]  # fmt: skip


def test_a_workflow_whose_tasks_are_deleted_is_not_retried(worker: Worker) -> None:
    workflow = a_workflow(chain("all", leaf("a"), broken("b")))
    worker.run()
    Task.objects.filter(name="a").delete()
    with pytest.raises(workflows.WorkflowNotRetryable, match="deleted by now"):
        workflows.retry(workflow.pk, now=timezone.now())
    assert state(workflow) == "FAILED"


def test_a_running_workflow_is_not_retried(worker: Worker) -> None:
    workflow = a_workflow(leaf("a"))
    with pytest.raises(workflows.WorkflowNotRetryable, match="is RUNNING"):
        workflows.retry(workflow.pk, now=timezone.now())
    assert Workflow.objects.get(pk=workflow.pk).status == "RUNNING"
