"""Workflows as they are shown: the counts of their tasks, and their nodes as a tree."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from scheduling.models import Task, Workflow
from scheduling.workflows import tree as trees
from tests.scheduling.workflows.definitions import broken, chain, chord, group, leaf
from tests.scheduling.workflows.jobs import Worker, a_workflow, result

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("another")]


def task_of(workflow: Workflow, name: str) -> int:
    """The id of the task of a node."""
    found = workflow.nodes.get(name=name).task_id
    assert found is not None
    return found


def test_every_task_node_says_the_same_things(worker: Worker) -> None:
    workflow = a_workflow(
        chain(
            "all", broken("a", on_failure=leaf("sorry", 7)), chord("h", leaf("call"), leaf("b")), on_success=leaf("c")
        )
    )
    worker.run()

    def shown(name: str, status: str, **more: object) -> dict[str, object]:
        always = {"kind": "task", "name": name, "status": status, "task": task_of(workflow, name), "job": "test.echo"}
        return always | {"reason": "", "error": "", "result": None, "result_left_out": False} | more

    after = "the member before it, 'a', is FAILED"
    assert trees.tree(workflow) == {
        "kind": "chain",
        "name": "all",
        "status": "FAILED",
        "on_success": shown("c", "SKIPPED", reason="not needed: it did not succeed"),
        "members": [
            shown("a", "FAILED", job="test.break", error="ValueError: it is broken")
            | {"on_failure": shown("sorry", "COMPLETED", result=7)},
            {
                "kind": "chord",
                "name": "h",
                "status": "CANCELLED",
                "members": [shown("b", "CANCELLED", reason=after)],
                "callback": shown("call", "CANCELLED", reason=after),
            },
        ],
    }
    assert trees.counts([workflow.pk]) == {workflow.pk: {"FAILED": 1, "COMPLETED": 1, "CANCELLED": 2, "SKIPPED": 1}}


def test_counts_are_of_the_workflows_that_are_asked_for(worker: Worker) -> None:
    first, second = a_workflow(group("g", leaf("a"), leaf("b"))), a_workflow(leaf("c"))
    worker.step()
    assert trees.counts([first.pk, second.pk]) == {first.pk: {"COMPLETED": 1, "QUEUED": 1}, second.pk: {"QUEUED": 1}}
    assert trees.counts([10**9]) == {10**9: {}}
    assert trees.counts([]) == {}


def test_a_task_that_is_deleted_leaves_its_node(worker: Worker) -> None:
    workflow = a_workflow(leaf("a", 1))
    worker.run()
    Task.objects.filter(name="a").delete()
    assert trees.tree(workflow) == {
        "kind": "task", "name": "a", "status": "COMPLETED", "task": None, "job": "", "reason": "", "error": "",
        "result": None, "result_left_out": False,
    }  # fmt: skip


@pytest.mark.parametrize(("most", "results"), [(10, ["ä", 22, None]), (11, ["ä", 22, "ccc"])])
def test_results_are_shown_up_to_a_number_of_bytes(
    worker: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch, most: int, results: list[object]
) -> None:
    """As JSON they have 4, 2 and 5 bytes."""
    monkeypatch.setattr(trees, "_AT_ONCE", 2)
    workflow = a_workflow(group("g", broken("none"), leaf("a", "ä"), leaf("b", 22), leaf("c", "ccc")))
    worker.run()
    settings.TANDEM_MAX_RESULT_BYTES = most
    members = trees.tree(workflow)["members"][1:]
    assert [member["result"] for member in members] == results
    assert [member["result_left_out"] for member in members] == [value is None for value in results]


def test_a_result_that_is_null_is_not_left_out(worker: Worker) -> None:
    workflow = a_workflow(leaf("a"))
    worker.run()
    assert result(workflow, "a") is None
    assert (trees.tree(workflow)["result"], trees.tree(workflow)["result_left_out"]) == (None, False)
