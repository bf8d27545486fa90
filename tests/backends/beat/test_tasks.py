"""The wake-up that the stock scheduler sends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from backends.beat.tasks import fire
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.recording import RecordingExecutor

# The task looks after its connection before it begins, which closes one that a transaction of the test is open on.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("recorded")]


def a_due_schedule(**wanted: object) -> Schedule:
    return a_schedule(now=timezone.now() - timedelta(minutes=1), every=60, **wanted)


def wake(schedule_id: int) -> None:
    fire.apply(args=(schedule_id,), throw=True)


def test_what_is_due_becomes_one_task_however_often_we_are_woken(recorded: RecordingExecutor) -> None:
    schedule = a_due_schedule()
    for _ in range(3):
        wake(schedule.pk)
    [task] = Task.objects.all()
    assert (task.status, task.woken_by, task.schedule_id) == (Status.QUEUED, "beat", schedule.pk)
    assert recorded.submitted == [(task.pk, 1)]


def test_nothing_happens_when_nothing_is_due() -> None:
    wake(a_schedule(every=3600).pk)
    assert not Task.objects.exists()


def test_a_wake_up_for_a_schedule_that_is_gone_is_no_error() -> None:
    wake(4711)


def test_a_schedule_that_moved_to_a_crontab_meanwhile_runs_on_its_host(recorded: RecordingExecutor) -> None:
    schedule = a_due_schedule()
    Schedule.objects.filter(pk=schedule.pk).update(routed_to="crontab", runs_on="inline", host="another")
    wake(schedule.pk)
    [task] = Task.objects.all()
    assert (task.status, task.host) == (Status.QUEUED, "another")
    assert recorded.submitted == []


def test_a_wake_up_does_the_upkeep(recorded: RecordingExecutor) -> None:
    left = a_task(a_schedule(), now=timezone.now() - timedelta(minutes=1))
    wake(4711)
    assert recorded.submitted == [(left.pk, 1)]
