"""Each queue is told of, and that no worker takes it, when a task is asked for and while it waits."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from scheduling import ledger, queues, schedules, tasks
from scheduling.doctor import examine
from scheduling.processes import SILENT_AFTER
from scheduling.workflows import service as workflows
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.process_rows import a_process
from tests.recording import SETTINGS_EXECUTORS, RecordingExecutor

pytestmark = pytest.mark.django_db

HELD = {"tandem": 1, "reports": 2}


class Queueing(RecordingExecutor):
    """An executor with queues. It holds HELD, and cannot tell about other queues."""

    def queue_of(self, queue: str) -> str:
        return queue or "tandem"

    def waiting(self, queues: Collection[str]) -> dict[str, int]:
        return {queue: HELD[queue] for queue in queues if queue in HELD}


@pytest.fixture(autouse=True)
def _around(settings: Settings) -> None:
    settings.TANDEM_EXECUTORS = {**SETTINGS_EXECUTORS, "worker": f"{__name__}.Queueing"}


def asked(**fields: Any) -> str:
    """What somebody who asks for a task is told of its delivery."""
    return tasks.create(now=timezone.now(), name="a task", **fields)[1]


def test_a_queue_that_a_living_worker_takes_needs_no_word() -> None:
    a_process("worker", queues=["tandem", "reports"])
    assert asked() == asked(queue="reports") == asked(queue="tandem") == "sent"


def test_a_queue_that_no_worker_takes_is_told_when_a_task_is_asked_for() -> None:
    a_process("worker", queues=["tandem"])
    a_process("worker", queues=["reports"], silent_for=SILENT_AFTER + timedelta(seconds=5))
    a_process("beat", queues=["reports"])
    assert asked() == "sent"
    assert asked(queue="reports") == "sent; no worker takes queue reports"
    later = timezone.now() + timedelta(hours=1)
    assert asked(queue="reports", scheduled_time=later).endswith(f"{later.isoformat()}; no worker takes queue reports")


def test_where_no_worker_is_known_that_is_what_is_told() -> None:
    assert asked(queue="reports") == "sent; no worker is known to take queue reports"
    assert asked(executor="inline") == "the agent on testhost"


def test_a_trigger_a_retry_and_a_workflow_are_told_too() -> None:
    a_process("worker", queues=["tandem"])
    now = timezone.now()
    task, said = schedules.trigger(a_schedule(queue="reports").pk, now=now)
    assert said == "sent; no worker takes queue reports"
    tasks.cancel(task.pk, now=now)
    assert tasks.retry(task.pk, now=now)[1] == said
    job = {"job": "demo.process_data"}
    chain = {"chain": [{**job, "queue": "mails"}, job, {**job, "queue": "reports"}]}
    workflow, said = workflows.create(now=now, name="w", workflow=chain)
    assert said == "sent; no worker takes queue mails; no worker takes queue reports"
    workflows.cancel(workflow.pk, now=now)
    assert workflows.retry(workflow.pk, now=now)[1] == said


def test_a_retried_workflow_is_told_of_the_queues_of_what_is_left_of_it() -> None:
    a_process("worker", queues=["tandem"])
    now, job = timezone.now(), {"job": "demo.process_data"}
    workflows.create(now=now, name="another", workflow={**job, "queue": "others"})
    group = {"group": [{**job, "queue": "mails"}, {**job, "queue": "reports"}]}
    workflow, _ = workflows.create(now=now, name="w", workflow=group)
    running = ledger.claim(workflow.tasks.get(queue="mails").pk, 1, worker="test", now=now)
    assert running is not None
    ledger.complete(running, result=None, now=now)
    workflows.cancel(workflow.pk, now=now)
    assert workflows.retry(workflow.pk, now=now)[1] == "sent; no worker takes queue reports"


def test_every_queue_is_told_of_while_tasks_wait() -> None:
    schedule = a_schedule()
    for queue in ("", "tandem", "reports"):
        a_task(schedule, queue=queue)
    a_task(schedule, queue="soon", status="SCHEDULED")
    a_task(schedule, queue="done", status="COMPLETED")
    for queue_names in (["tandem"], ["tandem", "mails"]):
        a_process("worker", queues=queue_names)
    found = [(finding.ok, finding.detail) for finding in queues.findings("worker")]
    assert found == [
        (True, "tandem: 1 messages wait, 2 tasks are queued, 2 workers take it"),
        (True, "mails: the broker does not say how many messages wait, 0 tasks are queued, 1 workers take it"),
        (False, "reports: 2 messages wait, 1 tasks are queued, no worker takes it"),
        (True, "soon: the broker does not say how many messages wait, 0 tasks are queued, no worker takes it"),
    ]
    [stuck] = [finding for finding in examine(now=timezone.now()) if finding.name == "queue" and not finding.ok]
    assert "worker -Q reports" in stuck.advice


def test_an_executor_without_queues_has_nothing_to_tell() -> None:
    assert queues.findings("inline") == []
