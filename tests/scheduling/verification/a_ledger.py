"""A ledger that the services filled: something of everything, and nothing wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from scheduling import dispatch, ledger, processes, schedules, tasks
from scheduling.models import Schedule, Task
from scheduling.workflows import service as workflows
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.process_rows import a_process
from tests.scheduling.workflows.definitions import broken, leaf
from tests.scheduling.workflows.jobs import BROKEN, Worker, a_workflow

AGO = timedelta(minutes=50)


def fill(worker: Worker) -> None:
    """Fill the ledger: tasks in each status, schedules with each policy, workflows in each status."""
    now = timezone.now()
    _scheduled(worker)
    done = _one_off(worker, value="done")
    _one_off(worker, job="test.break", parameters={})
    _one_off(worker, job="test.break", parameters={}, retries={"max": 2, "base": 3600})
    # Failed, then tried again by a person.
    failed = _one_off(worker, job="test.break", parameters={})
    tasks.retry(failed.pk, now=now)
    worker.run()
    _cancelled(worker)
    _running()
    _in_workflows(worker)
    _waiting()
    done.refresh_from_db()
    assert done.status == "COMPLETED"


def _scheduled(worker: Worker) -> None:
    start = timezone.now() - AGO
    each = a_schedule(name="each", now=start, job="test.echo")
    for minutes in range(0, 51, 5):
        dispatch.dispatch_due("beat", now=start + timedelta(minutes=minutes))
        worker.run()
    # An outage of 50 minutes, of which only the end has rows; the row that stands for the rest is tried again.
    seconds = a_schedule(name="each second", now=start, every=1, job="test.echo")
    paused = a_schedule(name="paused", now=start, job="test.echo")
    dispatch.dispatch_due("beat", now=timezone.now())
    first = Task.objects.filter(schedule=seconds).earliest("due_at")
    assert first.reason.startswith("missed, like all")
    tasks.retry(first.pk, now=timezone.now())
    schedules.pause(paused.pk, now=timezone.now())
    schedules.update(each.pk, now=timezone.now() - timedelta(minutes=20), description="changed on the way")
    schedules.delete(a_schedule(name="deleted", now=start).pk, now=timezone.now())


def _one_off(worker: Worker, **fields: Any) -> Task:
    value = fields.pop("value", None)
    asked = {"name": "one", "job": "test.echo", "parameters": {"value": value}} | fields
    task, _ = tasks.create(now=timezone.now(), **asked)
    worker.run()
    return task


def _cancelled(worker: Worker) -> None:
    now = timezone.now()
    later, _ = tasks.create(name="later", job="test.echo", scheduled_time=now + timedelta(hours=1), now=now)
    tasks.create(name="waits", job="test.echo", scheduled_time=now + timedelta(hours=1), now=now)
    tasks.cancel(later.pk, now=now)
    failed = _one_off(worker, job="test.break", parameters={}, retries={"max": 2, "base": 3600})
    tasks.cancel(failed.pk, now=now)


def _running() -> None:
    """One that runs, one that was asked to stop, and one that was lost and is tried again."""
    a_process("pool", key=processes.identity())
    schedule: Schedule = a_schedule(every=86_400, job="test.echo", on_lost="retry")
    now = timezone.now() - timedelta(minutes=10)
    claimed = [a_task(schedule, now=now, send_at=now) for _ in range(3)]
    for task in claimed:
        assert ledger.claim(task.pk, 1, worker="here", now=now, process=processes.identity())
    ledger.progress(claimed[0], done=1, total=2, message="half", now=timezone.now())
    ledger.ask_to_stop(claimed[1].pk, reason="no", now=timezone.now())
    ledger.lose(claimed[2], error="its process has ended", now=timezone.now())


def _in_workflows(worker: Worker) -> None:
    a_workflow({"chain": [leaf("one"), {"chord": {"group": [leaf("two"), leaf("three")], "callback": leaf("four")}}]})
    a_workflow({"chain": [broken("five"), leaf("six")], "on_failure": leaf("seven"), "on_success": leaf("eight")})
    again = a_workflow({"chain": [broken("nine"), leaf("ten")]})
    worker.run()
    BROKEN.clear()
    workflows.retry(again.pk, now=timezone.now())
    worker.run()
    cancelled = a_workflow({"chain": [leaf("eleven"), leaf("twelve")]})
    workflows.cancel(cancelled.pk, now=timezone.now())
    worker.queue.submitted.clear()
    a_workflow({"chain": [leaf("thirteen"), leaf("fourteen")]})


def _waiting() -> None:
    """What nobody has run: a queued task, and occurrences that wait for an earlier one."""
    tasks.create(name="queued", job="test.echo", now=timezone.now())
    a_schedule(name="caught up", now=timezone.now() - AGO, job="test.echo", catch_up="all", overlap="queue")
    dispatch.dispatch_due("beat", now=timezone.now())
