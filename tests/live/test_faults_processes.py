"""Workers, beats and web servers that are killed between two steps, and a database that crashes while they run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from scheduling.lifecycle import OPEN, Status
from scheduling.models import Schedule, Task
from scheduling.upkeep import lost_attempts
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.live.installation import Installation
from tests.live.standing import RECOVERY, answers, web
from tests.live.visitor import Visitor
from tests.process_rows import ended_process
from tests.servers.postgres import PostgresServer
from tests.servers.server import free_port

pytestmark = pytest.mark.live

DYING = "tests.live.dying_settings"
TIMES = 5
AWAY = lost_attempts.LOST_AFTER + timedelta(seconds=5)


def pattern(there: Installation, job: str = "live.append", **wanted: Any) -> Schedule:
    """A schedule that is not due during the test. Its tasks are made by hand."""
    parameters = {"path": str(there.runs)} | wanted.pop("parameters", {})
    return a_schedule(every=86_400, job=job, parameters=parameters, **wanted)


def all_done(there: Installation, tasks: list[Task]) -> None:
    there.until(
        lambda: Task.objects.filter(pk__in=[t.pk for t in tasks], status=Status.COMPLETED).count() == len(tasks)
    )


def lost_tasks(there: Installation) -> tuple[Task, Task]:
    """Two tasks: the worker of one was killed while it ran, the worker of the other between claim and start."""
    midway = a_task(pattern(there, "live.hang_at_first", on_lost="retry"))
    claimed = a_task(pattern(there, on_lost="retry"))
    there.publish(midway.pk, 1)
    worker = there.worker()
    there.until(lambda: there.ran() == [midway.pk])
    worker.kill()
    assert there.start("-m", "tests.live.claimer", str(claimed.pk)).wait() == -9
    # A beat on this machine may have given the first one up already: its process has ended.
    assert [task.attempts.count() for task in (midway, claimed)] == [1, 1]
    return midway, claimed


def check_second_attempts(there: Installation, midway: Task, claimed: Task) -> None:
    for task in (midway, claimed):
        ends = list(task.attempts.order_by("number").values_list("status", flat=True))
        assert ends == [Status.FAILED, Status.COMPLETED]
    assert Counter(there.ran()) == {midway.pk: 2, claimed.pk: 1}


def test_what_a_killed_worker_had_claimed_is_tried_again(on_broker: Installation) -> None:
    midway, claimed = lost_tasks(on_broker)
    # Made older: the test need not sit through the silence.
    Task.objects.filter(status=Status.RUNNING).update(process=ended_process())
    on_broker.beat()
    on_broker.worker(name="another")
    all_done(on_broker, [midway, claimed])
    check_second_attempts(on_broker, midway, claimed)


@pytest.mark.drill
def test_what_a_killed_worker_had_claimed_is_tried_again_within_half_a_minute(
    on_broker: Installation, record_property: Callable[[str, object], None]
) -> None:
    on_broker.beat()
    midway, claimed = lost_tasks(on_broker)
    killed = timezone.now()
    on_broker.worker(name="another")
    all_done(on_broker, [midway, claimed])
    check_second_attempts(on_broker, midway, claimed)
    record_property("seconds until both had started again", check_recovery([midway, claimed], killed))


def check_recovery(tasks: list[Task], since: datetime) -> float:
    """Check that each task started within RECOVERY. Returns the seconds until the last one started."""
    started = Task.objects.filter(pk__in=[task.pk for task in tasks]).values_list("started_at", flat=True)
    recovery = max(at - since for at in started if at is not None)
    assert recovery < RECOVERY
    return recovery.total_seconds()


def test_beat_and_web_that_are_killed_between_commit_and_hand_over(on_broker: Installation) -> None:
    there = on_broker
    job: dict[str, Any] = {"job": "live.append", "parameters": {"path": str(there.runs)}}
    schedule = a_schedule(every=3600, now=timezone.now() - timedelta(seconds=3610), **job)
    port = free_port()
    beat = there.start("-m", "celery", "-A", "settings.celery", "beat", DJANGO_SETTINGS_MODULE=DYING)
    dying_web = web(there, port, DJANGO_SETTINGS_MODULE=DYING)
    assert beat.wait() == -9
    there.until(lambda: answers(port))
    visitor = Visitor(port, {"name": "one", **job})
    assert visitor.ask().status == 0
    assert dying_web.wait() == -9
    tasks = list(Task.objects.order_by("pk"))
    assert [task.schedule_id for task in tasks] == [schedule.pk, None]
    assert {(task.status, task.sends) for task in tasks} == {(Status.QUEUED, 0)}
    dead = timezone.now()
    there.worker()
    there.beat()
    all_done(there, tasks)
    assert sorted(there.ran()) == [task.pk for task in tasks]
    check_recovery(tasks, dead)


def test_workers_that_are_given_the_same_message_run_it_once(on_broker: Installation) -> None:
    task = a_task(pattern(on_broker))
    for _ in range(TIMES):
        on_broker.publish(task.pk, 1)
    workers = [on_broker.worker(name=name) for name in ("one", "two")]
    on_broker.until(lambda: sum(worker.messages_ended() for worker in workers) == TIMES)
    assert on_broker.ran() == [task.pk]
    assert task.attempts.count() == 1


def goes_through_a_crash(there: Installation, postgres: PostgresServer, away: timedelta) -> None:
    """The database is away while a task runs and when it ends. Afterwards schedules go on."""
    gate = there.folder / "gate"
    running = a_task(pattern(there, "live.wait_at_first", parameters={"gate": str(gate)}))
    firing = a_schedule(
        every=1, overlap="allow", catch_up="all", job="live.append", parameters={"path": str(there.runs)}
    )
    there.publish(running.pk, 1)
    there.worker(processes=2)
    there.beat()
    there.until(lambda: Task.objects.filter(schedule=firing, status=Status.COMPLETED).exists())
    there.until(lambda: running.pk in there.ran())
    postgres.kill()
    connection.close()
    gone = timezone.now()
    there.until(lambda: timezone.now() - gone >= away)
    postgres.start()
    well_again = timezone.now()
    # The job outlives the outage by so much that its silence could be taken for death.
    there.until(lambda: Task.objects.filter(schedule=firing, due_at__gt=well_again, status=Status.COMPLETED).exists())
    gate.touch()
    before = Task.objects.filter(created_at__lte=timezone.now())
    there.until(lambda: not before.filter(status__in=OPEN).exists())
    assert set(before.values_list("status", flat=True)) == {Status.COMPLETED}
    assert Task.objects.get(pk=running.pk).attempts.count() == 1
    assert [pk for pk, times in Counter(there.ran()).items() if times > 1] == []
    due = list(Task.objects.filter(schedule=firing).order_by("due_at").values_list("due_at", flat=True))
    assert due == [firing.anchor + timedelta(seconds=number + 1) for number in range(len(due))]


def test_a_database_that_crashes_under_a_running_task(on_postgres: Installation, postgres: PostgresServer) -> None:
    goes_through_a_crash(on_postgres, postgres, timedelta(seconds=1))


@pytest.mark.drill
def test_a_database_that_is_away_for_longer_than_the_heartbeat_limit(
    on_postgres: Installation, postgres: PostgresServer
) -> None:
    goes_through_a_crash(on_postgres, postgres, AWAY)
