"""Chains, groups, chords and callbacks: the order of tasks, and the results that are passed on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from scheduling import delivery, ledger, tasks
from scheduling.errors import InvalidRequest, NotFound
from scheduling.models import Task, Workflow, WorkflowNode
from scheduling.upkeep.sweep import sweep
from scheduling.workflows import service as workflows
from tests.process_rows import ended_process
from tests.scheduling.workflows.definitions import broken, leaf
from tests.scheduling.workflows.jobs import Worker, a_workflow, result, state, statuses

pytestmark = pytest.mark.django_db


def test_a_chain_runs_one_after_the_other_and_hands_each_result_to_the_next(worker: Worker) -> None:
    first = leaf("first", {"message": "hello", "n": [1, 2]})
    second = leaf("second", {"was": {"$result": "message"}, "all": {"$result": True}})
    third = {"job": "test.add", "name": "third", "parameters": {"values": {"$result": "all.n"}, "more": 1}}
    workflow = a_workflow({"chain": [first, second, third]})
    assert worker.waiting() == ["first"]
    assert Task.objects.filter(workflow=workflow, status="SCHEDULED", wait_until=None).count() == 2
    worker.step()
    assert worker.waiting() == ["second"]
    worker.run()
    assert result(workflow, "second") == {"was": "hello", "all": {"message": "hello", "n": [1, 2]}}
    assert result(workflow, "third") == 4
    assert (state(workflow), workflow.reason) == ("COMPLETED", "")
    assert workflow.finished_at is not None


def test_a_group_runs_side_by_side_and_hands_on_a_list_in_order(worker: Worker) -> None:
    after = {"job": "test.add", "name": "after", "parameters": {"values": {"$result": True}}}
    workflow = a_workflow({"chain": [{"group": [leaf("one", 1), leaf("two", 2), leaf("three", 3)]}, after]})
    assert worker.waiting() == ["one", "two", "three"]
    worker.queue.submitted.reverse()
    worker.step()
    worker.step()
    assert state(workflow) == "RUNNING"
    worker.run()
    assert result(workflow, "after") == 6
    assert state(workflow) == "COMPLETED"


def test_the_callback_of_a_chord_gets_all_results_in_order(worker: Worker) -> None:
    members = [leaf("a", "a"), {"chain": [leaf("b", "b"), leaf("c", {"$result": True})]}, {"group": [leaf("d", 1)]}]
    workflow = a_workflow({"chord": {"group": members, "callback": leaf("all", {"$result": True})}})
    worker.queue.submitted.reverse()
    worker.run()
    assert result(workflow, "all") == ["a", "b", [1]]
    assert state(workflow) == "COMPLETED"


def test_the_result_of_a_chord_is_its_callbacks(worker: Worker) -> None:
    chord = {"chord": {"tasks": [leaf("a", 1)], "callback": leaf("all", "sum")}}
    workflow = a_workflow({"chain": [chord, leaf("after", {"$result": True})]})
    worker.run()
    assert result(workflow, "after") == "sum"


def test_members_of_a_group_get_what_was_handed_to_the_group(worker: Worker) -> None:
    group = {"group": [leaf("a", {"$result": True}), {"chain": [leaf("b", {"$result": "x"})]}]}
    workflow = a_workflow({"chain": [leaf("first", {"x": 7}), group]})
    worker.run()
    assert (result(workflow, "a"), result(workflow, "b")) == ({"x": 7}, 7)


def test_a_chain_stops_at_a_failure_and_cancels_the_rest(worker: Worker) -> None:
    rest: dict[str, Any] = {"group": [leaf("never", on_success=leaf("nor this")), leaf("neither")]}
    workflow = a_workflow({"chain": [leaf("first"), broken("second"), rest, leaf("last")]})
    worker.run()
    assert statuses(workflow) == {
        "first": "COMPLETED", "second": "FAILED", "never": "CANCELLED", "nor this": "CANCELLED",
        "neither": "CANCELLED", "last": "CANCELLED",
    }  # fmt: skip
    never = Task.objects.get(name="never")
    assert (never.status, never.reason) == ("CANCELLED", "the member before it, 'second', is FAILED")
    assert never.finished_at is not None
    assert state(workflow) == "FAILED"
    assert workflow.reason == f"'second', task {Task.objects.get(name='second').pk}, is FAILED"


def test_the_others_of_a_group_go_on_and_it_fails_at_the_end(worker: Worker) -> None:
    members = [broken("bad"), leaf("good"), {"chain": [leaf("one"), leaf("two")]}]
    workflow = a_workflow({"chord": {"group": members, "callback": leaf("callback")}})
    worker.step()
    assert state(workflow) == "RUNNING"
    worker.run()
    assert statuses(workflow) == {
        "bad": "FAILED", "good": "COMPLETED", "one": "COMPLETED", "two": "COMPLETED", "callback": "CANCELLED",
    }  # fmt: skip
    assert state(workflow) == "FAILED"


def test_callbacks_run_on_success_with_the_result_and_what_was_not_needed_is_skipped(worker: Worker) -> None:
    member = leaf("a", 5, on_success=leaf("yes", {"$result": True}), on_failure=leaf("no", {"$error": True}))
    workflow = a_workflow({"chain": [member, leaf("b")], "on_success": leaf("done", "x")})
    worker.run()
    assert statuses(workflow) == {
        "a": "COMPLETED", "yes": "COMPLETED", "no": "SKIPPED", "b": "COMPLETED", "done": "COMPLETED",
    }  # fmt: skip
    assert result(workflow, "yes") == 5
    assert Task.objects.get(name="no").reason == "not needed: nothing failed"
    assert state(workflow) == "COMPLETED"


def test_callbacks_on_failure_get_what_went_wrong(worker: Worker) -> None:
    inner = {"chain": [leaf("a"), broken("bad")], "on_failure": leaf("inner", {"$error": "name"})}
    workflow = a_workflow(
        {"group": [inner], "on_failure": leaf("outer", {"e": {"$error": True}}), "on_success": leaf("no")}
    )
    worker.run()
    bad = Task.objects.get(name="bad")
    assert result(workflow, "inner") == "bad"
    assert result(workflow, "outer") == {
        "e": {
            "task": bad.pk, "name": "bad", "job": "test.break", "status": "FAILED",
            "error": "ValueError: it is broken",
        }
    }  # fmt: skip
    assert statuses(workflow)["no"] == "SKIPPED"
    assert state(workflow) == "FAILED"


def test_a_callback_that_fails_fails_the_whole_but_not_what_called_it(worker: Worker) -> None:
    workflow = a_workflow({"chain": [leaf("a", on_success=broken("callback")), leaf("b")]})
    worker.run()
    assert statuses(workflow) == {"a": "COMPLETED", "callback": "FAILED", "b": "COMPLETED"}
    assert state(workflow) == "FAILED"


def test_the_whole_runs_until_its_callbacks_have_ended(worker: Worker) -> None:
    workflow = a_workflow(leaf("a", on_success=leaf("callback")))
    worker.step()
    assert state(workflow) == "RUNNING"
    worker.step()
    assert state(workflow) == "COMPLETED"


def test_a_part_that_was_not_handed_on_fails_the_member(worker: Worker) -> None:
    workflow = a_workflow({"chain": [leaf("a", {"x": 1}), leaf("b", {"$result": "y"}, retries=3)]})
    worker.run()
    task = Task.objects.get(name="b")
    assert (task.status, state(workflow)) == ("FAILED", "FAILED")
    assert task.error == "InvalidRequest: The value that is handed on has no part 'y': there is no 'y'."


def test_what_is_handed_on_is_checked_against_the_schema_when_the_member_starts(worker: Worker) -> None:
    after = {"job": "test.add", "name": "after", "parameters": {"values": {"$result": True}}}
    workflow = a_workflow({"chain": [leaf("a", "text"), after]})
    worker.run()
    assert state(workflow) == "FAILED"
    assert Task.objects.get(name="after").error.startswith("InvalidRequest: ")


def test_more_than_can_be_handed_on_is_a_clear_failure(worker: Worker, settings: Settings) -> None:
    settings.TANDEM_MAX_RESULT_BYTES = 1000
    members = [leaf(f"m{number}", "x" * 300) for number in range(4)]
    workflow = a_workflow({"chord": {"group": members, "callback": leaf("all", {"$result": True})}})
    worker.run()
    assert state(workflow) == "FAILED"
    error = Task.objects.get(name="all").error
    assert error == "InvalidRequest: The results of 4 tasks are more than the 1,000 bytes that can be handed on."


def test_more_may_be_handed_on_than_a_request_may_hold(worker: Worker) -> None:
    members = [leaf(f"m{number}", "x" * 50_000) for number in range(4)]
    workflow = a_workflow({"chord": {"group": members, "callback": leaf("all", {"$result": "3"})}})
    worker.run()
    assert state(workflow) == "COMPLETED"


def test_a_member_waits_for_its_retries_before_anything_fails(worker: Worker) -> None:
    workflow = a_workflow({"chain": [broken("a", retries={"max": 1, "base": 0}), leaf("b")]})
    worker.step()
    assert Task.objects.get(name="a").status == "RETRYING"
    assert state(workflow) == "RUNNING"
    delivery.queue_due(now=timezone.now() + timedelta(seconds=1))
    worker.run()
    assert state(workflow) == "FAILED"


REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"chain": [leaf("a"), {"job": "nothing"}]}, ["workflow.chain.1.job"]),
    (
        {"group": [{"job": "demo.process_data", "parameters": {"steps": "many"}}, leaf("a", priority=10)]},
        ["workflow.group.0.parameters.steps", "workflow.group.1.priority"],
    ),
    (
        {"chain": [leaf("a"), {"job": "test.add", "parameters": {"values": {"$result": True}, "more": "x", "z": 1}}]},
        ["workflow.chain.1.parameters.more", "workflow.chain.1.parameters.z"],
    ),
    ({"chain": [leaf("a"), {"job": "test.add", "parameters": {"more": {"$result": True}}}]},
     ["workflow.chain.1.parameters.values"]),
    ({"chain": [leaf("a"), {"job": "test.add", "parameters": {"values": [1], "z": {"$result": True}}}]},
     ["workflow.chain.1.parameters.z"]),
    (leaf("a", executor="nowhere"), ["workflow.executor"]),
    (leaf("a", "\x00"), ["workflow"]),
    (leaf(" "), ["workflow.name"]),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "fields"), REFUSED)
def test_a_wrong_definition_is_refused_with_everything_and_leaves_nothing(
    worker: Worker, definition: dict[str, Any], fields: list[str]
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        a_workflow(definition)
    assert [problem.field for problem in refused.value.problems] == fields
    assert Task.objects.count() == Workflow.objects.count() == WorkflowNode.objects.count() == 0


def test_a_workflow_needs_a_name(worker: Worker) -> None:
    with pytest.raises(InvalidRequest, match="Write a name"):
        a_workflow(leaf("a"), name=" ")


def test_what_a_broker_that_is_away_did_not_take_is_sent_later(worker: Worker) -> None:
    worker.queue.error = "the broker is away"
    workflow, why = workflows.create(now=timezone.now(), name="w", workflow={"chain": [leaf("a"), leaf("b")]})
    assert why == "the broker is away"
    worker.queue.error = ""
    sweep(now=timezone.now() + ledger.UNCLAIMED_AFTER)
    worker.run()
    assert state(workflow) == "COMPLETED"


def test_upkeep_repairs_a_crash_between_an_end_and_the_next_step(worker: Worker) -> None:
    workflow = a_workflow({"chord": {"group": [leaf("a"), leaf("b")], "callback": leaf("all")}})
    for task_id, attempt in worker.queue.submitted:
        # The process is gone before it can move the workflow on.
        task = ledger.claim(task_id, attempt, worker="w", now=timezone.now())
        assert task is not None
        assert ledger.complete(task, result=1, now=timezone.now())
    worker.queue.submitted.clear()
    for _ in range(2):
        sweep(now=timezone.now())
        assert worker.waiting() == ["all"]
    worker.run()
    assert state(workflow) == "COMPLETED"


def test_a_member_that_is_lost_fails_like_any_other(worker: Worker) -> None:
    workflow = a_workflow({"chain": [leaf("a"), leaf("b")]})
    ledger.claim(*worker.queue.submitted[0], worker="w", process=ended_process(), now=timezone.now())
    sweep(now=timezone.now())
    assert statuses(workflow) == {"a": "FAILED", "b": "CANCELLED"}
    assert state(workflow) == "FAILED"


def test_an_inline_member_hands_over_what_it_releases(worker: Worker) -> None:
    members = [leaf("here", executor="inline"), leaf("here too", executor="inline"), leaf("there")]
    workflow = a_workflow({"chain": members})
    here = delivery.take_unclaimed(now=timezone.now(), host="testhost")
    assert [task.name for task in here] == ["here"]
    delivery.submit(here, now=timezone.now())
    assert statuses(workflow) == {"here": "COMPLETED", "here too": "COMPLETED", "there": "RUNNING"}
    worker.run()
    assert state(workflow) == "COMPLETED"


def test_members_are_repeated_with_their_workflow_only(worker: Worker) -> None:
    a_workflow(broken("a"))
    worker.run()
    with pytest.raises(tasks.NotRetryable, match="is a member of workflow"):
        tasks.retry(Task.objects.get(name="a").pk, now=timezone.now())
    with pytest.raises(NotFound):
        workflows.retry(10**9, now=timezone.now())


def test_of_a_member_whose_job_cannot_be_read_only_that_is_told() -> None:
    assert [problem.field for problem in workflows.check({"job": 3, "queue": "a b"})] == ["workflow.job"]
