"""How many statements the page of each list takes: as many for 30 rows as for 3, and no more than it needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scheduling import drift_log, keys, ledger
from scheduling.difference import Difference, DifferenceKind
from scheduling.models import Host, Schedule, Task, TaskLogLine, Workflow
from scheduling.workflows import service as workflows
from tests.api.conformance import CheckedClient
from tests.conftest import a_schedule

# Who asks: the token with its user, the note of its first use, and the groups.
WHO = 3


def on_beat(count: int) -> str:
    _copies(a_schedule(), count)
    return "/api/schedules/"


def on_other_hosts(count: int) -> str:
    now = timezone.now()
    for number in range(count):
        Host.objects.create(name=f"host{number}", crontab="file:/x", zone="Europe/Berlin", heartbeat_at=now)
        a_schedule(name=str(number), backend="crontab", host=f"host{number}")
    return "/api/schedules/"


def hosts(count: int) -> str:
    on_other_hosts(count)
    return "/api/hosts/"


def tasks(count: int) -> str:
    schedule = a_schedule()
    for _ in range(count):
        _a_run(schedule)
    return "/api/tasks/"


def tasks_of_a_schedule(count: int) -> str:
    tasks(count)
    return f"/api/schedules/{Schedule.objects.get().pk}/tasks/"


def occurrences(count: int) -> str:
    schedule = a_schedule(cron="0 0 * * *" if count < 10 else "0 */4 * * *")
    return f"/api/schedules/{schedule.pk}/occurrences/"


def events(count: int) -> str:
    task = _a_run(a_schedule())
    for done in range(count):
        ledger.progress(task, done=done, total=count, message="", now=timezone.now())
    return f"/api/tasks/{task.pk}/events/"


def log_lines(count: int) -> str:
    task = _a_run(a_schedule())
    made = TaskLogLine(task=task, attempt=1, at=timezone.now(), level="INFO", message="x")
    TaskLogLine.objects.bulk_create([made, *(TaskLogLine(**_fields(made)) for _ in range(count - 1))])
    return f"/api/tasks/{task.pk}/log/"


def attempts(count: int) -> str:
    task = _a_run(a_schedule())
    one = task.attempts.get()
    task.attempts.bulk_create(type(one)(**_fields(one) | {"number": number}) for number in range(2, count + 1))
    return f"/api/tasks/{task.pk}/attempts/"


def some_workflows(count: int) -> str:
    for number in range(count):
        workflows.create(name=str(number), workflow={"group": [{"job": "demo.process_data"}] * 2}, now=timezone.now())
    assert Workflow.objects.count() == count
    return "/api/workflows/"


def differences(count: int) -> str:
    schedule = a_schedule()
    seen = [Difference(DifferenceKind.MISSING, str(number), (schedule.pk,)) for number in range(count)]
    drift_log.keep("beat", "", seen, now=timezone.now())
    return "/api/drift/"


def differences_of_a_schedule(count: int) -> str:
    differences(count)
    return f"/api/schedules/{Schedule.objects.get().pk}/drift/"


@pytest.mark.parametrize("count", [3, 30])
@pytest.mark.parametrize(
    ("make", "statements"),
    [
        (on_beat, 1),
        # The schedules with the zones of their hosts; which of the hosts are silent: their rows, and their processes.
        (on_other_hosts, 3),
        # The hosts; their rows and processes for the silence, their agents, what is overdue on each, when their
        # schedules were last decided, how many these are, their open drift.
        (hosts, 8),
        # The tasks, and their attempts.
        (tasks, 2),
        (tasks_of_a_schedule, 3),
        (occurrences, 2),
        (events, 3),
        (log_lines, 3),
        (attempts, 3),
        # The workflows, and the counts of their tasks.
        (some_workflows, 2),
        # The differences, and their schedules.
        (differences, 2),
        (differences_of_a_schedule, 3),
    ],
)
def test_a_page_takes_few_statements_however_many_rows_it_has(
    operator: CheckedClient, crontab: Path, make: Callable[[int], str], statements: int, count: int
) -> None:
    address = make(count)
    with CaptureQueriesContext(connection) as asked:
        answer = operator.get(address).json()
    found = answer["results"] if isinstance(answer, dict) else answer
    assert len(found) >= count
    assert len(asked) - WHO == statements


def _a_run(schedule: Schedule) -> Task:
    """A task that runs."""
    now = timezone.now()
    task = Task(schedule=schedule, name="a task", job=schedule.job, woken_by="request", status="QUEUED", send_at=now)
    task.executor = "worker"
    ledger.record([task], now)
    claimed = ledger.claim(task.pk, 1, worker="w1", now=now)
    assert claimed is not None
    return claimed


def _copies(schedule: Schedule, count: int) -> None:
    Schedule.objects.bulk_create(Schedule(**{**_fields(schedule), "key": keys.unnamed()}) for _ in range(count - 1))


def _fields(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key}
