"""Workflows with real processes: members that end at the same time, killed workers, emptied brokers."""

from __future__ import annotations

import signal
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from scheduling.lifecycle import Status
from scheduling.models import Task, Workflow, WorkflowNode
from scheduling.upkeep.sweep import sweep
from scheduling.workflows import service as workflows
from tests.live.installation import Installation, Process, sqlite_in_drills
from tests.process_rows import ended_process
from tests.recording import SETTINGS_EXECUTORS
from tests.servers.redis_like import RedisServer

pytestmark = pytest.mark.live

PROCESSES = 5
MEMBERS_EACH = 15
THOUSAND = 1000


@pytest.fixture(autouse=True)
def _publish_nothing_here(settings: Settings) -> None:
    """This process publishes nothing: only the processes under test do."""
    settings.TANDEM_EXECUTORS = SETTINGS_EXECUTORS


def leaf(installation: Installation, **more: Any) -> dict[str, Any]:
    """A member that writes a line."""
    return {"job": "live.append", "parameters": {"path": str(installation.runs)}, **more}


def chord(installation: Installation, members: int) -> dict[str, Any]:
    """A chord whose callback counts its results."""
    parameters = {"path": str(installation.runs), "values": {"$result": True}}
    callback = {"job": "live.count", "name": "callback", "parameters": parameters}
    return {"chord": {"group": [leaf(installation)] * members, "callback": callback}}


def started(definition: dict[str, Any]) -> Workflow:
    """A new workflow. Upkeep will send its first tasks."""
    workflow = workflows.create(now=timezone.now(), name="w", workflow=definition)[0]
    send_now()
    return workflow


def send_now() -> None:
    """Make the tasks due to be sent again."""
    Task.objects.filter(status=Status.QUEUED).update(send_at=timezone.now())


def has_status(workflow: Workflow, status: Status) -> bool:
    return Workflow.objects.filter(pk=workflow.pk, status=status).exists()


def members(workflow: Workflow) -> list[int]:
    """The ids of its tasks, in order."""
    nodes = WorkflowNode.objects.filter(workflow=workflow, task__isnull=False).order_by("number")
    return list(nodes.values_list("task_id", flat=True))


def racing(installation: Installation, ids: list[int]) -> list[Process]:
    """Start processes that run the tasks at the same time, each process its own share."""
    shares = [map(str, ids[number::PROCESSES]) for number in range(PROCESSES)]
    processes = [installation.start("-m", "tests.live.workflow_members", "run", *share) for share in shares]
    installation.until(lambda: all("ready" in process.said() for process in processes))
    for process in processes:
        process.go()
    return processes


def waiting_for_locks() -> int:
    """How many connections to this database wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def completed(workflow: Workflow) -> int:
    return Task.objects.filter(workflow=workflow, status=Status.COMPLETED).count()


@pytest.mark.drill
def test_many_processes_end_members_at_once_and_the_callback_is_queued_once(installation: Installation) -> None:
    workflow = started(chord(installation, PROCESSES * MEMBERS_EACH))
    *ids, callback = members(workflow)
    processes = racing(installation, ids)
    assert [process.wait() for process in processes] == [0] * PROCESSES, [process.said() for process in processes]
    assert sorted(installation.ran()) == ids
    assert installation.messages() == [(callback, 1)]
    assert [event.status for event in Task.objects.get(pk=callback).event_log.all()] == ["SCHEDULED", "QUEUED"]
    installation.worker()
    installation.until(lambda: has_status(workflow, Status.COMPLETED))
    assert Task.objects.get(pk=callback).result == len(ids)


def test_members_that_end_at_the_same_instant_move_the_workflow_on_one_by_one(on_postgres: Installation) -> None:
    workflow = started(chord(on_postgres, PROCESSES))
    *ids, callback = members(workflow)
    with psycopg.connect(on_postgres.database_url) as other:
        other.execute("SELECT 1 FROM tandem_scheduling_workflow WHERE id = %s FOR UPDATE", [workflow.pk])
        processes = racing(on_postgres, ids)
        # Every member has ended, and none has moved anything on.
        on_postgres.until(lambda: waiting_for_locks() == PROCESSES)
        assert completed(workflow) == PROCESSES
        other.rollback()
    assert [process.wait() for process in processes] == [0] * PROCESSES, [process.said() for process in processes]
    assert on_postgres.messages() == [(callback, 1)]


@pytest.mark.drill
def test_cancelling_while_many_processes_end_members_blocks_nobody_and_nothing_more_starts(
    installation: Installation,
) -> None:
    workflow = started(chord(installation, PROCESSES * MEMBERS_EACH))
    *ids, callback = members(workflow)
    processes = racing(installation, ids)
    installation.until(lambda: len(installation.ran()) >= PROCESSES)
    workflows.cancel(workflow.pk, now=timezone.now())
    assert [process.wait() for process in processes] == [0] * PROCESSES, [process.said() for process in processes]
    sweep(now=timezone.now())
    assert has_status(workflow, Status.CANCELLED)
    assert Task.objects.get(pk=callback).status == Status.CANCELLED
    assert callback not in installation.ran()
    assert not Task.objects.filter(workflow=workflow).exclude(status__in=[Status.CANCELLED, Status.COMPLETED]).exists()
    done = Task.objects.filter(workflow=workflow, status=Status.COMPLETED)
    assert sorted(installation.ran()) == sorted(done.values_list("pk", flat=True))


@sqlite_in_drills
def test_a_process_that_is_killed_between_two_members_loses_nothing(installation: Installation) -> None:
    workflow = started({"chain": [leaf(installation), leaf(installation), leaf(installation)]})
    first, *rest = members(workflow)
    process = installation.start("-m", "tests.live.workflow_members", "die", str(first))
    process.go()
    assert process.wait() == -signal.SIGKILL
    assert (
        list(
            Task.objects.filter(workflow=workflow, status=Status.SCHEDULED).order_by("pk").values_list("pk", flat=True)
        )
        == rest
    )
    installation.worker()
    installation.beat()
    installation.until(lambda: has_status(workflow, Status.COMPLETED))
    assert installation.ran() == rest


def test_a_member_of_a_killed_worker_is_retried_and_the_workflow_goes_on(
    on_postgres: Installation,
) -> None:
    parameters = {"path": str(on_postgres.runs)}
    hangs = {"job": "live.hang", "parameters": parameters, "on_lost": "retry"}
    workflow = started({"chain": [leaf(on_postgres), hangs, leaf(on_postgres)]})
    first, second, third = members(workflow)
    worker = on_postgres.worker()
    on_postgres.beat()
    on_postgres.until(lambda: on_postgres.ran() == [first, second])
    worker.kill()
    # It hangs no more, and seems to have ended: the test need not sit through a silence.
    Task.objects.filter(pk=second).update(job="live.append", process=ended_process())
    on_postgres.worker(name="another")
    on_postgres.until(lambda: has_status(workflow, Status.COMPLETED))
    assert on_postgres.ran() == [first, second, second, third]


@sqlite_in_drills
def test_a_broker_that_is_emptied_in_the_middle_loses_nothing(installation: Installation) -> None:
    steps = [leaf(installation), {"group": [leaf(installation)] * 5}, leaf(installation)]
    workflow = started({"chain": steps})
    first, *rest = members(workflow)
    process = installation.start("-m", "tests.live.workflow_members", "run", str(first))
    process.go()
    assert process.wait() == 0, process.said()
    assert len(installation.messages()) == 5
    installation.empty_broker()
    send_now()
    installation.worker()
    installation.beat()
    installation.until(lambda: has_status(workflow, Status.COMPLETED))
    assert sorted(installation.ran()) == [first, *rest]


@pytest.mark.drill
def test_a_thousand_members_and_their_callback_survive_a_crash_of_the_broker(
    on_postgres: Installation, redis_server: RedisServer
) -> None:
    workflow = started(chord(on_postgres, THOUSAND))
    on_postgres.worker(processes=2)
    on_postgres.beat()
    on_postgres.until(lambda: completed(workflow) > THOUSAND // 10)
    redis_server.kill()
    assert completed(workflow) < THOUSAND
    redis_server.start()
    on_postgres.until(lambda: completed(workflow) > THOUSAND // 2)
    on_postgres.until(lambda: completed(workflow) > THOUSAND * 9 // 10)
    # What was on its way to the worker when the broker died.
    send_now()
    on_postgres.until(lambda: has_status(workflow, Status.COMPLETED))
    *ids, callback = members(workflow)
    assert Task.objects.get(pk=callback).result == THOUSAND
    assert sorted(on_postgres.ran()) == [*ids, callback]
