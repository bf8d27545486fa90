"""Messages that are delivered twice, get lost, or are taken by a worker that dies."""

from __future__ import annotations

import pytest
from django.utils import timezone

from scheduling import ledger
from scheduling.lifecycle import Status
from scheduling.models import Task
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.live.installation import Installation, sqlite_in_drills
from tests.process_rows import ended_process

pytestmark = pytest.mark.live

TIMES = 5


def tasks_of(job: str, count: int, installation: Installation) -> list[Task]:
    """Queued tasks of the schedule that were not handed over."""
    schedule = a_schedule(every=3600, job=job, parameters={"path": str(installation.runs)})
    return [a_task(schedule) for _ in range(count)]


def has_status(task: Task, status: Status) -> bool:
    return Task.objects.filter(pk=task.pk, status=status).exists()


@sqlite_in_drills
def test_a_message_that_is_delivered_many_times_is_run_once(installation: Installation) -> None:
    [task] = tasks_of("live.append", 1, installation)
    for _ in range(TIMES):
        installation.publish(task.pk, task.attempt)
    workers = [installation.worker(name=name) for name in ("one", "two")]
    installation.until(lambda: sum(worker.messages_ended() for worker in workers) == TIMES)
    assert has_status(task, Status.COMPLETED)
    assert task.attempts.count() == 1
    assert installation.ran() == [task.pk]


@sqlite_in_drills
def test_tasks_survive_a_broker_that_lost_everything(installation: Installation) -> None:
    tasks = tasks_of("live.append", 4, installation)
    for task in tasks:
        installation.publish(task.pk, task.attempt)
    Task.objects.update(sends=1, send_at=timezone.now() + ledger.SEND_AGAIN)
    assert len(installation.messages()) == len(tasks)
    installation.empty_broker()
    Task.objects.update(send_at=timezone.now())
    installation.worker()
    installation.beat()
    installation.until(lambda: Task.objects.filter(status=Status.COMPLETED).count() == len(tasks))
    assert sorted(installation.ran()) == sorted(task.pk for task in tasks)


@sqlite_in_drills
def test_the_task_of_a_worker_that_was_killed_is_lost_and_nothing_is_stuck(installation: Installation) -> None:
    [lost] = tasks_of("live.hang", 1, installation)
    [next_one] = tasks_of("live.append", 1, installation)
    installation.publish(lost.pk, lost.attempt)
    worker = installation.worker()
    installation.until(lambda: installation.ran() == [lost.pk])
    worker.kill()
    assert has_status(lost, Status.RUNNING)
    # As if its process had ended: the test need not sit through a silence.
    Task.objects.filter(pk=lost.pk).update(process=ended_process())
    Task.objects.filter(pk=next_one.pk).update(send_at=timezone.now())
    installation.beat()
    installation.until(lambda: has_status(lost, Status.FAILED))
    assert Task.objects.get(pk=lost.pk).error == "Its process has ended."
    assert lost.attempts.get().status == Status.FAILED
    installation.worker(name="another")
    installation.until(lambda: has_status(next_one, Status.COMPLETED))
    assert installation.ran() == [lost.pk, next_one.pk]
