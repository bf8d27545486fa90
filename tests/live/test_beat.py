"""`celery beat` and `celery worker` as real processes: occurrences become tasks, and tasks get done."""

from __future__ import annotations

import signal
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from scheduling import lateness_log
from scheduling.lifecycle import Status
from scheduling.models import Process, Schedule, Task
from tests.conftest import a_schedule
from tests.live.installation import STOCK, Installation
from tests.live.test_dispatch import due_schedules

pytestmark = pytest.mark.live

SCHEDULES = 20
SECONDS = 8


def completed(schedule: Schedule) -> Callable[[], Task | None]:
    return lambda: Task.objects.filter(schedule=schedule, status=Status.COMPLETED).first()


def check_its_record(task: Task | None) -> None:
    """Check the task and the attempt of an occurrence that has run."""
    assert task is not None
    assert task.due_at is not None
    assert task.started_at is not None
    assert task.finished_at is not None
    assert task.due_at <= task.created_at <= task.started_at <= task.finished_at
    assert task.due_at.microsecond == 0
    assert task.result == {"message": "Data processed successfully"}
    assert (task.woken_by, task.executor) == ("beat", "worker")
    assert "worker on testhost" in task.attempts.get().worker
    numbers = [event.number for event in task.event_log.order_by("number")]
    assert numbers == list(range(1, task.events + 1))


def test_schedules_on_beat_are_run_by_a_worker(on_postgres: Installation) -> None:
    # The cron expression is due already, so that the test need not wait for the next minute.
    crons = a_schedule(cron="* * * * *", now=timezone.now() - timedelta(seconds=61), parameters={"steps": 1})
    seconds = a_schedule(every=1, parameters={"steps": 1})
    on_postgres.worker()
    on_postgres.beat()
    on_postgres.until(completed(crons))
    on_postgres.until(completed(seconds))
    check_its_record(completed(seconds)())
    check_its_record(completed(crons)())


def test_the_stock_scheduler_alone_will_do(on_postgres: Installation) -> None:
    schedule = a_schedule(every=2, parameters={"steps": 1})
    on_postgres.worker()
    on_postgres.beat(scheduler=STOCK)
    on_postgres.until(completed(schedule))
    check_its_record(completed(schedule)())


def test_two_beats_make_one_task_of_each_occurrence(installation: Installation) -> None:
    for _ in range(SCHEDULES):
        # Beats on a busy machine may be late: that is not what this test is about.
        a_schedule(every=1, overlap="allow", catch_up="all", job="live.append", parameters={"path": "unused"})
    for _ in range(2):
        installation.beat()
    queued = Task.objects.filter(status=Status.QUEUED)
    installation.until(queued.exists)
    first = queued.order_by("due_at").first()
    assert first is not None
    assert first.due_at is not None
    until = first.due_at + timedelta(seconds=SECONDS)

    def all_came_so_far() -> bool:
        newest = Task.objects.filter(due_at__gte=until).values("schedule").annotate(newest=Max("due_at"))
        return newest.count() == SCHEDULES

    installation.until(all_came_so_far)
    for schedule in Schedule.objects.all():
        _check_that_none_is_missing(schedule)
    # A message is sent after its row is stored.
    installation.until(lambda: len(installation.messages()) >= SCHEDULES * (SECONDS - 1))
    in_the_queue = installation.messages()
    assert len(in_the_queue) == len(set(in_the_queue))


def _check_that_none_is_missing(schedule: Schedule) -> None:
    """Check that the schedule has a task for every second since its creation, and that each was queued once."""
    rows = list(Task.objects.filter(schedule=schedule).order_by("due_at").values_list("due_at", "status"))
    second = timedelta(seconds=1)
    expected = [schedule.anchor + (number + 1) * second for number in range(len(rows))]
    assert [due_at for due_at, _ in rows] == expected
    assert {status for _, status in rows} == {Status.QUEUED}


def test_five_beats_make_one_task_of_each_occurrence_and_tell_how_late_it_was(on_postgres: Installation) -> None:
    due_schedules(600, on_postgres)
    # Locked until all of them look.
    with transaction.atomic():
        list(Schedule.objects.select_for_update())
        beats = [on_postgres.beat() for _ in range(5)]
        ticking = Process.objects.filter(kind="beat", came_round_at__isnull=False)
        on_postgres.until(lambda: ticking.count() == len(beats))
    on_postgres.until(lambda: Task.objects.filter(sends__gte=1).count() == 600)
    for beat in beats:
        beat.popen.send_signal(signal.SIGTERM)
    assert [beat.wait() for beat in beats] == [0] * len(beats)
    tasks = Task.objects.all()
    assert tasks.count() == 600
    assert set(on_postgres.messages()) == {(task.pk, 1) for task in tasks}
    # Each beat has written what it had counted, at the latest when it ended.
    assert lateness_log.between(timezone.now() - timedelta(days=1), timezone.now()).total >= 600
