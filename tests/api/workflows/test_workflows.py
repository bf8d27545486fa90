"""/api/workflows/: creating, showing, cancelling and retrying workflows."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from scheduling.models import Task, Workflow
from tests.api.asking import pointers
from tests.api.conformance import CheckedClient
from tests.scheduling.workflows.definitions import broken, leaf
from tests.scheduling.workflows.jobs import BROKEN, Worker

WORKFLOWS = "/api/workflows/"


def asked(client: CheckedClient, definition: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Create a workflow over REST and return the answer."""
    response = client.post(WORKFLOWS, {"name": "a workflow", "workflow": definition, **more}, format="json")
    assert response.status_code == 201, response.json()
    found: dict[str, Any] = response.json()
    return found


def test_a_workflow_is_shown_as_the_tree_it_was_asked_for(operator: CheckedClient, worker: Worker) -> None:
    chord = {"chord": {"group": [leaf("a", 1), leaf("b", 2)], "callback": leaf("sum", {"$result": True})}}
    body = asked(
        operator,
        {"chain": [chord, leaf("last")], "name": "all of it", "on_failure": leaf("oh")},
        description="two halves",
    )
    assert (body["status"], body["delivery"], body["description"]) == ("RUNNING", "sent", "two halves")
    assert body["counts"] == {"QUEUED": 2, "SCHEDULED": 3}
    worker.run()
    shown = operator.get(f"{WORKFLOWS}{body['id']}/").json()
    assert (shown["status"], shown["counts"]) == ("COMPLETED", {"COMPLETED": 4, "SKIPPED": 1})
    tree = shown["workflow"]
    assert (tree["kind"], tree["name"], tree["status"]) == ("chain", "all of it", "COMPLETED")
    first, last = tree["members"]
    assert [(member["name"], member["result"]) for member in first["members"]] == [("a", 1), ("b", 2)]
    assert first["callback"]["result"] == [1, 2]
    assert last["task"] == Task.objects.get(name="last").pk
    assert tree["on_failure"]["status"] == "SKIPPED"
    assert tree["on_failure"]["reason"] == "not needed: nothing failed"


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"name": "w"}, ["/workflow"]),
    ({"name": "w", "workflow": None}, ["/workflow"]),
    ({"name": "w", "workflow": {"chain": []}}, ["/workflow/chain"]),
    ({"name": "w", "workflow": leaf("a"), "wrokflow": 1}, ["/wrokflow"]),
    ({"name": "\x00", "workflow": leaf("a")}, ["/name"]),
    (
        {"name": "w", "workflow": {"chain": [leaf("a"), leaf("b"), {"job": "test.add", "parameters": {"values": 5}}]}},
        ["/workflow/chain/2/parameters/values"],
    ),
    (
        {"name": "w", "workflow": {"chord": {
            "group": [{"job": "gone"}, leaf("a", timeout=0)], "callback": leaf("b", queue="a b"),
        }}},
        ["/workflow/chord/group/0/job", "/workflow/chord/group/1/timeout", "/workflow/chord/callback/queue"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("body", "where"), WRONG)
def test_what_is_wrong_is_pointed_at_and_nothing_is_stored(
    operator: CheckedClient, worker: Worker, body: dict[str, Any], where: list[str]
) -> None:
    response = operator.post(WORKFLOWS, body, format="json")
    assert response.status_code == 400
    assert pointers(response) == where
    assert (Workflow.objects.count(), Task.objects.count()) == (0, 0)


def test_a_workflow_is_cancelled_once(operator: CheckedClient, worker: Worker) -> None:
    body = asked(operator, {"chain": [leaf("a"), leaf("b")]})
    cancelled = operator.post(f"{WORKFLOWS}{body['id']}/cancel/")
    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "CANCELLED")
    assert cancelled.json()["counts"] == {"CANCELLED": 2}
    again = operator.post(f"{WORKFLOWS}{body['id']}/cancel/")
    assert (again.status_code, again.json()["code"]) == (409, "already_finished")


def test_a_workflow_is_repeated_from_the_failed_member(operator: CheckedClient, worker: Worker) -> None:
    body = asked(operator, {"chain": [leaf("a"), broken("b"), leaf("c")]})
    worker.run()
    shown = operator.get(f"{WORKFLOWS}{body['id']}/").json()
    assert shown["status"] == "FAILED"
    assert shown["workflow"]["members"][1]["error"] == "ValueError: it is broken"
    BROKEN.clear()
    repeated = operator.post(f"{WORKFLOWS}{body['id']}/retry/")
    assert (repeated.status_code, repeated.json()["delivery"]) == (202, "sent")
    worker.run()
    assert operator.get(f"{WORKFLOWS}{body['id']}/").json()["status"] == "COMPLETED"
    refused = operator.post(f"{WORKFLOWS}{body['id']}/retry/")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_retryable")


def test_the_list_is_narrowed_by_status_and_counts_with_one_query_for_all(
    operator: CheckedClient, worker: Worker, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        asked(operator, leaf(f"t{number}"), name=f"w{number}")
    worker.run()
    asked(operator, leaf("open"), name="open")
    with django_assert_max_num_queries(8):
        listed = operator.get(WORKFLOWS).json()["results"]
    assert [workflow["name"] for workflow in listed] == ["open", "w4", "w3", "w2", "w1", "w0"]
    assert listed[1]["counts"] == {"COMPLETED": 1}
    running = operator.get(f"{WORKFLOWS}?status=RUNNING").json()["results"]
    assert [workflow["name"] for workflow in running] == ["open"]
    assert operator.get(f"{WORKFLOWS}?status=QUEUED").status_code == 400


def test_results_that_are_too_much_for_one_answer_are_left_out(
    operator: CheckedClient, worker: Worker, settings: Settings
) -> None:
    settings.TANDEM_MAX_RESULT_BYTES = 1000
    body = asked(operator, {"group": [leaf(f"m{number}", "x" * 600) for number in range(2)]})
    worker.run()
    first, second = operator.get(f"{WORKFLOWS}{body['id']}/").json()["workflow"]["members"]
    assert (first["result"], first["result_left_out"]) == ("x" * 600, False)
    assert (second["result"], second["result_left_out"]) == (None, True)


@pytest.mark.parametrize("action", ["", "cancel/", "retry/"])
def test_a_workflow_that_is_not_there_is_not_found(operator: CheckedClient, worker: Worker, action: str) -> None:
    address = f"{WORKFLOWS}999999/{action}"
    assert (operator.post(address) if action else operator.get(address)).status_code == 404


def test_a_viewer_looks_and_asks_for_nothing(viewer: CheckedClient, worker: Worker) -> None:
    assert viewer.get(WORKFLOWS).status_code == 200
    assert viewer.post(WORKFLOWS, {"name": "w", "workflow": leaf("a")}, format="json").status_code == 403
