"""The pages of workflows: states as they are, what is handed on, and their buttons."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scheduling import ledger
from scheduling.models import Task, Workflow
from scheduling.workflows import advance, service
from tests.dashboard.conftest import browser_as

pytestmark = pytest.mark.usefixtures("recorded")

JOB: dict[str, Any] = {"job": "demo.process_data"}


def a_workflow(name: str = "closing", steps: int = 2) -> Workflow:
    members = [{**JOB, "name": f"step {number}"} for number in range(steps)]
    made, _ = service.create(now=timezone.now(), name=name, workflow={"chain": members})
    return made


def ended(workflow: Workflow, name: str, *, error: str = "", result: Any = None) -> None:
    task = Task.objects.get(workflow=workflow, name=name)
    claimed = ledger.claim(task.pk, task.attempt, worker="w", now=timezone.now())
    assert claimed is not None
    if error:
        ledger.fail(claimed, error=error, now=timezone.now())
    else:
        ledger.complete(claimed, result=result, now=timezone.now())
    advance.advance(workflow.pk, now=timezone.now())


def test_the_graph_and_its_table_say_what_each_task_did(viewer: Client) -> None:
    workflow = a_workflow()
    ended(workflow, "step 0", result={"rows": 3, "note": "<b>"})
    page = viewer.get(f"/workflows/{workflow.pk}/").content.decode()
    assert "1 of 2 tasks completed" in page
    assert "<title>step 0: Completed</title>" in page
    assert "<title>step 1: Queued</title>" in page
    assert "{&quot;rows&quot;: 3, &quot;note&quot;: &quot;&lt;b&gt;&quot;}" in page
    assert page.count('class="link"') == 1
    assert "/cancel/" not in page


def test_the_list_counts_the_tasks_of_each_status(viewer: Client) -> None:
    ended(a_workflow("closing"), "step 0")
    a_workflow("import")
    page = viewer.get("/workflows/").content.decode()
    assert "1 completed, 1 queued" in page
    assert "import" not in viewer.get("/workflows/?q=clos").content.decode()
    assert "No workflows here" in viewer.get("/workflows/?status=FAILED").content.decode()


def test_an_operator_cancels_and_retries(operator: Client) -> None:
    workflow = a_workflow()
    operator.post(f"/workflows/{workflow.pk}/cancel/")
    workflow.refresh_from_db()
    assert (workflow.status, workflow.reason) == ("CANCELLED", f"cancelled by {_name(operator)}")
    operator.post(f"/workflows/{workflow.pk}/retry/")
    workflow.refresh_from_db()
    assert workflow.status == "RUNNING"


def test_a_viewer_may_do_neither(db: None) -> None:
    workflow = a_workflow()
    assert browser_as("viewer").post(f"/workflows/{workflow.pk}/cancel/").status_code == 403


def test_a_workflow_of_many_tasks_has_a_table_and_as_many_statements(viewer: Client) -> None:
    def statements(workflow: Workflow) -> int:
        with CaptureQueriesContext(connection) as asked:
            page = viewer.get(f"/workflows/{workflow.pk}/").content
        assert len(page) < 100_000
        return len(asked)

    viewer.get("/workflows/")
    assert statements(a_workflow(steps=2)) == statements(a_workflow(steps=200))
    page = viewer.get(f"/workflows/{Workflow.objects.latest('pk').pk}/").content.decode()
    assert "200 tasks are too many for a picture" in page


def _name(client: Client) -> str:
    return str(client.get("/workflows/").wsgi_request.user.get_username())
