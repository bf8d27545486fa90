"""The status of every node of a workflow, composed ones too, when it has ended, and between its steps."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scheduling import ledger, tasks
from scheduling.models import Task
from scheduling.upkeep.sweep import sweep
from scheduling.workflows import advance
from scheduling.workflows import service as workflows
from tests.scheduling.workflows.definitions import Definition, broken, chain, chord, group, leaf
from tests.scheduling.workflows.jobs import Worker, a_workflow, named, state, statuses

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("another")]

OUTCOMES = [
    pytest.param(
        chain(
            "all",
            leaf("a", on_success=leaf("a-ok"), on_failure=leaf("a-not")),
            group("g", leaf("b"), chain("c", leaf("d"), leaf("e")), on_success=leaf("g-ok")),
            on_success=leaf("ok"),
            on_failure=chain("not", leaf("x"), leaf("y")),
        ),
        "COMPLETED",
        named(COMPLETED="all a a-ok g b c d e g-ok ok", SKIPPED="a-not not x y"),
        id="everything completes",
    ),
    pytest.param(
        chain("all", chord("h", broken("call"), leaf("a"), leaf("b"), on_failure=leaf("sorry")), leaf("after")),
        "FAILED",
        named(COMPLETED="a b sorry", FAILED="all h call", CANCELLED="after"),
        id="the callback of a chord fails",
    ),
    pytest.param(
        chord("h", leaf("call"), broken("a"), leaf("b")),
        "FAILED",
        named(COMPLETED="b", FAILED="h a", CANCELLED="call"),
        id="a member of a chord fails",
    ),
    pytest.param(
        group("g", chain("c", leaf("a"), broken("b"), chord("h", leaf("d"), leaf("e"))), leaf("f")),
        "FAILED",
        named(COMPLETED="a f", FAILED="g c b", CANCELLED="h d e"),
        id="a chain in a group fails",
    ),
    pytest.param(
        leaf("a", on_success=broken("x", on_failure=leaf("y"))),
        "FAILED",
        named(COMPLETED="a y", FAILED="x"),
        id="only on_success fails",
    ),
    pytest.param(
        group("g", broken("a"), on_failure=broken("x"), on_success=chain("no", leaf("n"), leaf("o"))),
        "FAILED",
        named(FAILED="g a x", SKIPPED="no n o"),
        id="on_failure fails",
    ),
    pytest.param(
        leaf("a", on_success=chain("c", leaf("x", on_success=leaf("y")), leaf("z"))),
        "COMPLETED",
        named(COMPLETED="a c x y z"),
        id="a callback is a chain with a callback",
    ),
]


@pytest.mark.parametrize(("definition", "expected", "nodes"), OUTCOMES)
def test_every_node_has_its_end(worker: Worker, definition: Definition, expected: str, nodes: dict[str, str]) -> None:
    workflow = a_workflow(definition)
    worker.run()
    assert statuses(workflow) == nodes
    assert state(workflow) == expected


def test_what_ends_starts_its_own_callbacks_and_no_others(worker: Worker) -> None:
    workflow = a_workflow(group("g", leaf("a", on_success=leaf("x")), leaf("b", on_success=leaf("y"))))
    worker.step()
    assert statuses(workflow) == named(COMPLETED="a", RUNNING="g b x", SCHEDULED="y")
    assert worker.waiting() == ["b", "x"]


CANCELLED = [
    (chain("all", chain("in", leaf("a", on_success=leaf("x")), leaf("b")), leaf("c"), on_failure=leaf("z")),
     named(COMPLETED="a", CANCELLED="all in x b c z")),
    (chain("all", leaf("a"), on_success=leaf("z")), named(COMPLETED="all a", CANCELLED="z")),
    (leaf("a", on_success=leaf("z")), named(COMPLETED="a", CANCELLED="z")),
    (group("g", leaf("a"), leaf("b")), named(COMPLETED="a", CANCELLED="g b")),
    (chord("h", leaf("call"), leaf("a")), named(COMPLETED="a", CANCELLED="h call")),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "nodes"), CANCELLED)
def test_a_running_task_that_completes_after_a_cancel_starts_nothing(
    worker: Worker, definition: Definition, nodes: dict[str, str]
) -> None:
    workflow = a_workflow(definition)
    task = claimed(worker)
    assert workflows.cancel(workflow.pk, now=timezone.now()).status == "RUNNING"
    assert advance.being_cancelled() == [workflow.pk]
    assert ledger.complete(task, result=1, now=timezone.now())
    assert advance.advance(workflow.pk, now=timezone.now()) == []
    assert statuses(workflow) == nodes
    assert (state(workflow), workflow.reason) == ("CANCELLED", "cancelled by request")
    assert advance.being_cancelled() == []


def test_a_cancel_that_finds_nothing_to_cancel_lets_it_complete(worker: Worker) -> None:
    workflow = a_workflow(leaf("a"))
    task = claimed(worker)
    workflows.cancel(workflow.pk, now=timezone.now())
    assert ledger.complete(task, result=1, now=timezone.now())
    advance.advance(workflow.pk, now=timezone.now())
    assert (state(workflow), workflow.reason) == ("COMPLETED", "")


def claimed(worker: Worker) -> Task:
    """The task that was handed over first, RUNNING."""
    task = ledger.claim(*worker.queue.submitted.pop(0), worker="w", now=timezone.now())
    assert task is not None
    return task


def test_a_member_that_is_settled_is_not_settled_again(worker: Worker) -> None:
    workflow = a_workflow(chain("all", leaf("a", on_success=leaf("x")), leaf("b"), leaf("c")))
    worker.step()
    before = statuses(workflow)
    assert before == named(COMPLETED="a", RUNNING="all x b", SCHEDULED="c")
    assert advance.advance(workflow.pk, now=timezone.now()) == []
    assert statuses(workflow) == before
    worker.run()
    assert advance.advance(workflow.pk, now=timezone.now()) == []
    assert state(workflow) == "COMPLETED"


def crashed(worker: Worker, tasks_: int) -> list[Task]:
    """So many tasks that completed in processes which died before they moved the workflow on."""
    ended = [claimed(worker) for _ in range(tasks_)]
    for task in ended:
        assert ledger.complete(task, result=1, now=timezone.now())
    return ended


def test_a_crash_after_the_end_of_a_member_is_found_until_it_is_settled(worker: Worker) -> None:
    workflow = a_workflow(group("g", leaf("a"), leaf("b"), leaf("c")))
    assert advance.interrupted() == []
    first, second = crashed(worker, 2)
    assert advance.interrupted() == [workflow.pk]
    advance.advance(workflow.pk, now=timezone.now(), task_id=second.pk)
    assert statuses(workflow) == named(COMPLETED="b", RUNNING="g a c")
    advance.advance(workflow.pk, now=timezone.now(), task_id=first.pk)
    assert statuses(workflow) == named(COMPLETED="a b", RUNNING="g c")
    assert advance.interrupted() == []


def test_upkeep_hands_over_what_follows_a_member_whose_process_died(worker: Worker) -> None:
    a_workflow(chain("all", leaf("a"), leaf("b")))
    crashed(worker, 1)
    sweep(now=timezone.now())
    assert worker.waiting() == ["b"]


def statements(worker: Worker, members: int) -> list[int]:
    """How many statements it takes to settle so many members that ended together, to cancel as many that are queued,
    and to ask as many to stop that were asked before."""
    now = timezone.now()
    names = [str(number) for number in range(members)]
    ended = a_workflow(group("g", *map(leaf, names), leaf("last")))
    crashed(worker, members)
    with CaptureQueriesContext(connection) as settling:
        advance.advance(ended.pk, now=now)
    worker.queue.submitted.clear()
    queued = a_workflow(group("g", *map(leaf, names)))
    assert advance.cancel(queued.pk, reason="enough", now=now)
    with CaptureQueriesContext(connection) as cancelling:
        advance.stop_members(queued.pk, now=now)
    worker.queue.submitted.clear()
    running = a_workflow(group("g", *map(leaf, names)))
    for _ in names:
        claimed(worker)
    assert advance.cancel(running.pk, reason="enough", now=now)
    advance.stop_members(running.pk, now=now)
    with CaptureQueriesContext(connection) as asking_again:
        advance.stop_members(running.pk, now=now)
    return [len(settling), len(cancelling), len(asking_again)]


def test_many_members_cost_no_more_statements_than_few(worker: Worker) -> None:
    assert statements(worker, 20) == statements(worker, 2)


def test_members_that_have_ended_are_not_asked_to_stop(worker: Worker) -> None:
    workflow = a_workflow(group("g", leaf("a"), leaf("b")))
    worker.step()
    assert advance.cancel(workflow.pk, reason="enough", now=timezone.now())
    advance.stop_members(workflow.pk, now=timezone.now())
    assert list(workflow.tasks.order_by("pk").values_list("status", "reason")) == [
        ("COMPLETED", ""), ("CANCELLED", "enough"),
    ]  # fmt: skip
    assert workflow.tasks.filter(status="COMPLETED", cancel_asked_at=None).count() == 1


def test_the_reason_names_what_failed_first_and_nothing_that_was_not_needed(worker: Worker) -> None:
    workflow = a_workflow(
        group("g", leaf("a", on_failure=leaf("no")), chain("c", leaf("b"), broken("second")), broken("first"))
    )
    worker.run()
    first = workflow.nodes.get(name="first").task
    assert first is not None
    assert state(workflow) == "FAILED"
    assert workflow.reason == f"'first', task {first.pk}, is FAILED"


def test_a_callback_that_a_person_cancels_fails_the_workflow(worker: Worker) -> None:
    workflow = a_workflow(leaf("a", on_success=leaf("x")))
    callback = workflow.nodes.get(name="x").task
    assert callback is not None
    tasks.cancel(callback.pk, now=timezone.now(), reason="not this one")
    worker.run()
    assert (state(workflow), workflow.reason) == ("FAILED", f"'x', task {callback.pk}, is CANCELLED")
    assert statuses(workflow) == named(COMPLETED="a", CANCELLED="x")


def test_a_callback_is_cancelled_while_the_task_before_it_still_runs(worker: Worker) -> None:
    workflow = a_workflow(leaf("a", on_success=leaf("b")))
    claimed(worker)
    workflows.cancel(workflow.pk, now=timezone.now())
    assert statuses(workflow) == named(RUNNING="a", CANCELLED="b")


def test_a_cancel_that_comes_after_a_failure_and_cancels_nothing_leaves_it_failed(worker: Worker) -> None:
    workflow = a_workflow(group("g", broken("a"), leaf("b")))
    worker.step()
    task = claimed(worker)
    workflows.cancel(workflow.pk, now=timezone.now())
    assert ledger.complete(task, result=1, now=timezone.now())
    advance.advance(workflow.pk, now=timezone.now())
    assert state(workflow) == "FAILED"
