"""Cancelling and retrying workflows, starting them by schedules, and deleting old ones."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from scheduling import delivery, dispatch, ledger, tasks
from scheduling.errors import InvalidRequest
from scheduling.models import Task, Workflow, WorkflowNode
from scheduling.upkeep import retention
from scheduling.upkeep.sweep import sweep
from scheduling.workflows import advance
from scheduling.workflows import service as workflows
from tests.conftest import a_schedule, at
from tests.scheduling.workflows.definitions import broken, leaf
from tests.scheduling.workflows.jobs import BROKEN, Worker, a_workflow, result, state, statuses

pytestmark = pytest.mark.django_db


def test_cancelling_ends_what_waits_or_is_queued_at_once(worker: Worker) -> None:
    chord = {"chord": {"group": [leaf("a"), leaf("b")], "callback": leaf("c")}}
    workflow = a_workflow({"chain": [chord, leaf("d")], "on_failure": leaf("e"), "on_success": leaf("f")})
    worker.step()
    cancelled = workflows.cancel(workflow.pk, now=timezone.now())
    assert (cancelled.status, cancelled.reason) == ("CANCELLED", "cancelled by request")
    assert statuses(workflow) == {"a": "COMPLETED"} | dict.fromkeys("bcdef", "CANCELLED")
    assert set(Task.objects.exclude(name="a").values_list("status", "reason")) == {
        ("CANCELLED", "cancelled by request")
    }
    worker.run()
    assert not worker.queue.submitted
    with pytest.raises(workflows.WorkflowFinished, match="it is CANCELLED"):
        workflows.cancel(workflow.pk, now=timezone.now())


def test_cancelling_asks_what_runs_to_stop_and_ends_with_it(worker: Worker) -> None:
    workflow = a_workflow({"chain": [leaf("a"), leaf("b")]})
    task = ledger.claim(*worker.queue.submitted[0], worker="w", now=timezone.now())
    assert task is not None
    for _ in range(2):
        assert workflows.cancel(workflow.pk, now=timezone.now()).status == "RUNNING"
    task.refresh_from_db()
    assert (task.status, task.reason) == ("RUNNING", "cancelled by request")
    assert task.cancel_asked_at is not None
    assert ledger.cancel(task.pk, reason="asked to stop", now=timezone.now())
    sweep(now=timezone.now())
    assert state(workflow) == "CANCELLED"
    assert worker.queue.submitted == [(task.pk, 1)]


def test_upkeep_repairs_a_crash_during_cancelling(worker: Worker) -> None:
    workflow = a_workflow({"group": [leaf("a"), leaf("b")]})
    assert advance.cancel(workflow.pk, reason="enough", now=timezone.now())
    sweep(now=timezone.now())
    assert (state(workflow), workflow.reason) == ("CANCELLED", "enough")


def test_a_waiting_member_that_was_cancelled_by_itself_counts_as_failed_when_its_turn_comes(worker: Worker) -> None:
    workflow = a_workflow({"chain": [leaf("a"), leaf("b", on_failure=leaf("oh", {"$error": "error"})), leaf("c")]})
    tasks.cancel(Task.objects.get(name="b").pk, now=timezone.now(), reason="not this one")
    assert state(workflow) == "RUNNING"
    worker.run()
    assert statuses(workflow) == {"a": "COMPLETED", "b": "CANCELLED", "oh": "COMPLETED", "c": "CANCELLED"}
    assert result(workflow, "oh") == "not this one"
    assert state(workflow) == "FAILED"


def test_a_repetition_goes_on_from_the_failed_member(worker: Worker) -> None:
    steps = [leaf("a", 1), broken("b", on_failure=leaf("sorry")), leaf("c", {"$result": True}), leaf("d")]
    workflow = a_workflow({"chain": steps, "on_success": leaf("done")})
    worker.run()
    failed, first = Task.objects.get(name="b"), Task.objects.get(name="a")
    BROKEN.clear()
    workflow, _ = workflows.retry(workflow.pk, now=timezone.now())
    assert (workflow.status, workflow.finished_at, workflow.reason) == ("RUNNING", None, "")
    assert worker.waiting() == ["b"]
    assert statuses(workflow) == {
        "a": "COMPLETED", "b": "RUNNING", "sorry": "SCHEDULED", "c": "SCHEDULED", "d": "SCHEDULED",
        "done": "SCHEDULED",
    }  # fmt: skip
    worker.run()
    assert state(workflow) == "COMPLETED"
    assert statuses(workflow)["sorry"] == "SKIPPED"
    failed.refresh_from_db()
    assert (failed.status, failed.attempt, failed.attempts.count()) == ("COMPLETED", 2, 2)
    assert first.attempts.count() == 1
    assert [task.status for task in Task.objects.filter(name="c").order_by("pk")] == ["CANCELLED", "COMPLETED"]


def test_what_runs_on_failure_runs_again_when_it_fails_again(worker: Worker) -> None:
    workflow = a_workflow({"group": [broken("a"), leaf("b")], "on_failure": leaf("sorry")})
    worker.run()
    workflows.retry(workflow.pk, now=timezone.now())
    worker.run()
    assert state(workflow) == "FAILED"
    assert [task.status for task in Task.objects.filter(name="sorry")] == ["COMPLETED", "COMPLETED"]
    assert Task.objects.get(name="b").attempts.count() == 1


def test_a_chord_is_repeated_from_the_members_that_failed_and_a_failed_callback_alone(worker: Worker) -> None:
    members = [broken("a"), leaf("b", 2)]
    workflow = a_workflow({"chord": {"group": members, "callback": leaf("all", {"$result": True})}})
    worker.run()
    BROKEN.clear()
    workflows.retry(workflow.pk, now=timezone.now())
    worker.run()
    assert result(workflow, "all") == [None, 2]
    BROKEN.add("broken")
    other = a_workflow({"chord": {"group": [leaf("c")], "callback": broken("callback")}})
    worker.run()
    assert state(other) == "FAILED"
    BROKEN.clear()
    workflows.retry(other.pk, now=timezone.now())
    assert worker.waiting() == ["callback"]
    worker.run()
    assert state(other) == "COMPLETED"


def test_a_callback_that_failed_is_repeated_although_what_called_it_completed(worker: Worker) -> None:
    workflow = a_workflow({"chain": [leaf("a", on_success=broken("callback")), leaf("b")]})
    worker.run()
    BROKEN.clear()
    workflows.retry(workflow.pk, now=timezone.now())
    assert worker.waiting() == ["callback"]
    worker.run()
    assert state(workflow) == "COMPLETED"


def test_a_cancelled_workflow_goes_on_where_it_was(worker: Worker) -> None:
    workflow = a_workflow({"chain": [leaf("a"), {"group": [leaf("b"), leaf("c")]}, leaf("d")]})
    worker.step()
    worker.step()
    workflows.cancel(workflow.pk, now=timezone.now())
    worker.run()
    workflows.retry(workflow.pk, now=timezone.now())
    assert worker.waiting() == ["c"]
    worker.run()
    assert state(workflow) == "COMPLETED"
    with pytest.raises(workflows.WorkflowNotRetryable, match="is COMPLETED"):
        workflows.retry(workflow.pk, now=timezone.now())


NOW = at("2026-11-20 10:01")


def fired(overlap: str, *minutes: int) -> list[Task]:
    """Fire a schedule that starts a workflow at these minutes, and run each task as it is handed over."""
    definition = {"chain": [leaf("a"), leaf("b")]}
    schedule = a_schedule(
        now=NOW, name="nightly", cron="* * * * *", job="workflow.start", parameters={"workflow": definition},
        overlap=overlap,
    )  # fmt: skip
    for minute in minutes:
        now = NOW + timedelta(minutes=minute)
        delivery.submit(dispatch.fire(schedule.pk, now=now, woken_by="beat"), now=now)
    return list(Task.objects.filter(schedule=schedule).order_by("due_at"))


def test_a_schedule_starts_a_workflow_once_for_each_occurrence(worker: Worker) -> None:
    [task] = fired("skip", 1)
    worker.step()
    workflow = Workflow.objects.get()
    task.refresh_from_db()
    assert (task.status, task.result) == ("COMPLETED", {"workflow": workflow.pk})
    assert (workflow.name, workflow.started_by, workflow.schedule) == ("nightly", task, task.schedule)
    again, _ = workflows.create(now=NOW, name="x", workflow=workflow.definition, started_by=task)
    assert (again, Workflow.objects.count()) == (workflow, 1)
    worker.run()
    assert state(workflow) == "COMPLETED"


def test_an_occurrence_is_open_until_its_workflow_has_ended(worker: Worker) -> None:
    fired("skip", 1)
    worker.step()
    schedule = Task.objects.get(due_at=at("2026-11-20 10:02")).schedule_id
    assert schedule is not None
    dispatch.fire(schedule, now=at("2026-11-20 10:03"), woken_by="beat")
    assert Task.objects.get(due_at=at("2026-11-20 10:03")).status == "SKIPPED"
    worker.run()
    dispatch.fire(schedule, now=at("2026-11-20 10:04"), woken_by="beat")
    assert Task.objects.get(due_at=at("2026-11-20 10:04")).status == "QUEUED"


def test_with_overlap_queue_the_next_occurrence_waits_for_the_end_of_the_workflow(worker: Worker) -> None:
    fired("queue", 1, 2)
    worker.step()
    assert worker.waiting() == ["a"]
    sweep(now=timezone.now())
    assert worker.waiting() == ["a"]
    worker.step()
    worker.step()
    assert worker.waiting() == ["nightly"]
    worker.run()
    assert [workflow.status for workflow in Workflow.objects.all()] == ["COMPLETED", "COMPLETED"]


def test_with_overlap_replace_the_workflow_is_cancelled(worker: Worker) -> None:
    fired("replace", 1)
    worker.step()
    schedule = Task.objects.get(due_at=at("2026-11-20 10:02")).schedule_id
    assert schedule is not None
    dispatch.fire(schedule, now=at("2026-11-20 10:03"), woken_by="beat")
    sweep(now=timezone.now())
    assert [workflow.status for workflow in Workflow.objects.all()] == ["CANCELLED"]
    assert Task.objects.get(due_at=at("2026-11-20 10:03")).status == "QUEUED"


def test_a_schedule_whose_workflow_cannot_be_is_refused_with_pointers(worker: Worker) -> None:
    definition = {"chain": [leaf("a"), {"job": "demo.process_data", "parameters": {"steps": "many"}}]}
    with pytest.raises(InvalidRequest) as refused:
        a_schedule(job="workflow.start", parameters={"workflow": definition})
    assert [problem.field for problem in refused.value.problems] == ["parameters.workflow.chain.1.parameters.steps"]


def test_the_members_of_an_inline_occurrence_run_inline_too(worker: Worker) -> None:
    task, _ = tasks.create(
        now=timezone.now(), name="w", job="workflow.start", executor="inline",
        parameters={"workflow": {"chain": [leaf("a"), leaf("b", executor="worker")]}},
    )  # fmt: skip
    delivery.submit([task], now=timezone.now())
    assert list(Task.objects.filter(workflow__isnull=False).order_by("pk").values_list("executor", "host")) == [
        ("inline", "testhost"),
        ("worker", ""),
    ]


def test_a_running_workflow_keeps_its_tasks_and_an_ended_one_goes_with_the_last_of_them(
    worker: Worker, settings: Settings
) -> None:
    settings.TANDEM_KEEP_DAYS = 1
    workflow = a_workflow({"chain": [leaf("a"), leaf("b")]})
    worker.step()
    later = timezone.now() + timedelta(days=2)
    assert retention.prune(now=later) == 0
    worker.run()
    Task.objects.filter(name="b").update(finished_at=later)
    assert retention.prune(now=later) == 1
    assert WorkflowNode.objects.filter(workflow=workflow, task=None).count() == 2
    assert retention.prune(now=later + timedelta(days=2)) == 1
    assert not Workflow.objects.exists()
