"""What a write of a workflow leaves besides: owner and tags, a receipt, an entry of the audit log, and a version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from scheduling import receipts
from scheduling.caller import Caller, acting
from scheduling.errors import InvalidRequest, StaleVersion
from scheduling.models import AuditEntry, Task, Workflow
from scheduling.workflows import service as workflows
from scheduling.workflows import tree
from tests.scheduling.workflows.definitions import broken, chain, leaf
from tests.scheduling.workflows.jobs import Worker, a_workflow, state

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("another")]

RED, BLUE = 7, 8


def test_the_members_have_the_owner_and_the_tags_of_the_workflow(worker: Worker) -> None:
    workflow = a_workflow(chain("c", leaf("a"), leaf("b")), owner=RED, tags=["night"])
    assert (workflow.owner, list(workflow.tags), workflow.description) == (RED, ["night"], "")
    found = Task.objects.filter(workflow=workflow).values_list("owner", "tag_set")
    assert list(found) == [(RED, workflow.tag_set_id)] * 2


def test_who_is_bound_to_one_owner_creates_for_it_and_for_no_other(worker: Worker) -> None:
    with acting(Caller("user", access=frozenset({BLUE}))):
        workflow = a_workflow(leaf("a"))
        with pytest.raises(InvalidRequest) as refused:
            a_workflow(leaf("a"), owner=RED)
    assert [problem.field for problem in refused.value.problems] == ["owner"]
    [task] = workflow.tasks.all()
    assert workflow.created_by is not None
    assert (workflow.owner, workflow.created_by.kind, task.created_by) == (BLUE, "user", workflow.created_by)


def test_every_write_leaves_a_receipt_and_says_who_changed_what(worker: Worker) -> None:
    kept: list[Any] = []
    with receipts.kept_by(kept.append):
        workflow = a_workflow(leaf("a"), owner=RED)
        workflows.cancel(workflow.pk, now=timezone.now())
        workflows.retry(workflow.pk, now=timezone.now())
    assert kept == [workflow] * 3
    mine = AuditEntry.objects.filter(subject_id=str(workflow.pk)).order_by("number")
    noted = mine.values_list("subject", "subject_id", "action", "name", "owner")
    assert list(noted) == [
        ("workflow", str(workflow.pk), action, "a workflow", RED) for action in ("created", "cancelled", "retried")
    ]


@pytest.mark.parametrize("write", [workflows.cancel, workflows.retry])
def test_a_write_that_is_meant_for_another_version_is_refused(worker: Worker, write: Callable[..., object]) -> None:
    workflow = a_workflow(broken("a"))
    if write is workflows.retry:
        worker.run()
    before, version = state(workflow), tree.version(workflow)
    with pytest.raises(StaleVersion, match="read it again"):
        write(workflow.pk, now=timezone.now(), version=[version + 1])
    assert state(workflow) == before
    write(workflow.pk, now=timezone.now(), version=[version + 1, version])
    assert Workflow.objects.get(pk=workflow.pk).status != before
