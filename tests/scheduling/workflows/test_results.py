"""What is handed on to a member, by where it stands."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from scheduling import ledger, tasks
from scheduling.errors import InvalidRequest
from scheduling.models import Task, Workflow, WorkflowNode
from scheduling.workflows import results
from tests.scheduling.workflows.definitions import Definition, broken, chain, chord, group, leaf
from tests.scheduling.workflows.jobs import Worker, a_workflow, result, state


def filled(task: Task) -> Any:
    return results.parameters(task, task.parameters)


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("another")]


def gets(name: str, **more: Any) -> Definition:
    """A member that returns what is handed on to it."""
    return leaf(name, {"$result": True}, **more)


def oops(name: str, **more: Any) -> Definition:
    """A member that returns the error that is handed on to it."""
    return leaf(name, {"$error": True}, **more)


HANDED_ON = [
    (chain("c", group("g", leaf("a", 1), chain("d", leaf("b", 2), leaf("e", 3))), gets("x")), [1, 3]),
    (chain("c", chord("h", leaf("call", 9), leaf("a", 1)), gets("x")), 9),
    (chain("c", chain("d", leaf("a", 1), leaf("b", 2), on_success=leaf("no", 5)), gets("x")), 2),
    (chain("c", leaf("a", 1), group("g", chain("d", gets("x"), leaf("b")))), 1),
    (chain("c", leaf("a", 1), chord("h", leaf("call"), gets("x"), leaf("b"))), 1),
    (chain("c", leaf("a", 1), leaf("b", 2), gets("x")), 2),
    (chain("c", leaf("a", 1), leaf("b", 2, on_success=gets("x"))), 2),
    (chain("c", leaf("a", 1), leaf("b", 2), on_success=chain("d", gets("x"), leaf("e"))), 2),
    (group("g", leaf("a", 1), leaf("b", 2), on_success=gets("x")), [1, 2]),
    (chord("h", gets("x"), leaf("a", 1), group("g", leaf("b", 2), leaf("e", 3))), [1, [2, 3]]),
    (chord("h", leaf("call", 4), leaf("a", 1), on_success=gets("x")), 4),
    (group("g", group("f", leaf("a", 1)), on_success=gets("x")), [[1]]),
]


@pytest.mark.parametrize(("definition", "handed_on"), HANDED_ON)
def test_the_result_that_a_member_gets(worker: Worker, definition: Definition, handed_on: object) -> None:
    workflow = a_workflow(definition)
    worker.run()
    assert state(workflow) == "COMPLETED"
    assert result(workflow, "x") == handed_on


FAILED = [
    (group("g", broken("c"), broken("a", on_failure=oops("x"))), "a"),
    (broken("a", on_failure=oops("x")), "a"),
    (group("g", leaf("b"), broken("a"), broken("c"), on_failure=oops("x")), "a"),
    (chain("c", leaf("b"), chain("d", broken("a"), leaf("e")), on_failure=chain("f", oops("x"), leaf("h"))), "a"),
    (chord("h", broken("a"), leaf("b"), leaf("c"), on_failure=oops("x")), "a"),
    (chord("h", leaf("call"), leaf("b"), broken("a"), on_failure=group("g", oops("x"))), "a"),
]


@pytest.mark.parametrize(("definition", "failed"), FAILED)
def test_the_error_that_a_callback_gets(worker: Worker, definition: Definition, failed: str) -> None:
    workflow = a_workflow(definition)
    worker.run()
    assert result(workflow, "x") == {
        "task": workflow.nodes.get(name=failed).task_id, "name": failed, "job": "test.break", "status": "FAILED",
        "error": "ValueError: it is broken",
    }  # fmt: skip


def test_the_error_of_a_member_that_was_cancelled_is_the_reason(worker: Worker) -> None:
    workflow = a_workflow(chain("c", leaf("a"), leaf("b", on_failure=oops("x"))))
    cancelled = workflow.nodes.get(name="b").task
    assert cancelled is not None
    tasks.cancel(cancelled.pk, now=timezone.now(), reason="not this one")
    worker.run()
    assert result(workflow, "x") == {
        "task": cancelled.pk, "name": "b", "job": "test.echo", "status": "CANCELLED", "error": "not this one",
    }  # fmt: skip


@pytest.mark.parametrize(("place", "words"), [("$result", "No result is handed on"), ("$error", "No error is handed")])
def test_where_nothing_is_handed_on_that_is_said(worker: Worker, place: str, words: str) -> None:
    a_workflow(chain("c", leaf("a"), leaf("b")))
    Task.objects.filter(name="a").update(parameters={"value": {place: True}})
    with pytest.raises(InvalidRequest, match=words):
        filled(Task.objects.get(name="a"))


def test_parameters_without_places_are_read_without_a_query(worker: Worker, django_assert_num_queries: Any) -> None:
    a_workflow(leaf("a", {"no": ["place"]}))
    alone = Task(name="alone", job="test.echo", parameters={"value": {"$result": True}})
    task = Task.objects.get(name="a")
    with django_assert_num_queries(0):
        assert filled(task) == {"value": {"no": ["place"]}}
        # What looks like a place is none outside of a workflow.
        assert filled(alone) == {"value": {"$result": True}}


def test_a_task_that_its_workflow_has_replaced_gets_nothing(worker: Worker) -> None:
    a_workflow(chain("c", leaf("a"), gets("x")))
    task = Task.objects.get(name="x")
    WorkflowNode.objects.filter(task=task).update(task=None)
    with pytest.raises(InvalidRequest, match="no longer part") as refused:
        filled(task)
    assert [(problem.field, problem.code) for problem in refused.value.problems] == [("parameters", "not_a_member")]


def handed_over(worker: Worker, *values: object) -> tuple[Workflow, Task]:
    """A chord whose members have returned these values, and its callback."""
    members = [leaf(str(number), value) for number, value in enumerate(values)]
    workflow = a_workflow(chord("h", gets("x"), *members))
    for _ in values:
        worker.step()
    return workflow, Task.objects.get(name="x")


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_results_are_handed_on_up_to_a_number_of_bytes(
    worker: Worker, settings: Settings, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """As JSON they have 4, 2 and 5 bytes."""
    monkeypatch.setattr(results, "_AT_ONCE", at_once)
    _, task = handed_over(worker, "ä", 22, "ccc")
    settings.TANDEM_MAX_RESULT_BYTES = 11
    assert filled(task) == {"value": ["ä", 22, "ccc"]}
    settings.TANDEM_MAX_RESULT_BYTES = 10
    with pytest.raises(InvalidRequest, match="of 3 tasks are more than the 10 bytes") as refused:
        filled(task)
    assert [(problem.field, problem.code) for problem in refused.value.problems] == [
        ("parameters", "too_much_handed_on")
    ]


def test_a_part_that_is_not_there_is_named(worker: Worker) -> None:
    a_workflow(chain("c", leaf("a", {"b": 1}), leaf("x", {"$result": "c"})))
    worker.step()
    with pytest.raises(InvalidRequest, match="no part 'c'") as refused:
        filled(Task.objects.get(name="x"))
    assert [(problem.field, problem.code) for problem in refused.value.problems] == [("parameters", "no_such_part")]


def test_a_result_is_read_once_for_all_its_places(worker: Worker, django_assert_num_queries: Any) -> None:
    a_workflow(chain("c", leaf("a", {"b": 1, "c": 2}), leaf("x", [{"$result": "b"}, {"$result": "c"}])))
    worker.step()
    task = Task.objects.get(name="x")
    # The node of the task, the nodes of the workflow, and the result.
    with django_assert_num_queries(3):
        assert filled(task) == {"value": [1, 2]}
    assert ledger.cancel(task.pk, reason="", now=timezone.now())


def test_a_task_that_is_deleted_hands_on_what_is_left_of_it(worker: Worker) -> None:
    a_workflow(group("g", broken("a", on_failure=oops("x")), chain("c", leaf("b", 1), gets("y"))))
    worker.step()
    worker.step()
    WorkflowNode.objects.filter(name__in=["a", "b"]).update(task=None)
    assert filled(Task.objects.get(name="y")) == {"value": None}
    assert filled(Task.objects.get(name="x")) == {
        "value": {"task": None, "name": "a", "job": "", "status": "FAILED", "error": ""}
    }
