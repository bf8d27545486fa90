"""Many processes dispatch at the same time, and some are killed before they hand tasks over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from scheduling import keys
from scheduling.lifecycle import Status
from scheduling.models import Schedule, Task
from tests.conftest import a_schedule
from tests.live.installation import Installation, sqlite_in_drills

pytestmark = pytest.mark.live

DUE = 150


def due_schedules(count: int, installation: Installation) -> list[int]:
    """Schedules with exactly one occurrence that is due; their ids."""
    now = timezone.now()
    pattern = a_schedule(
        every=3600, now=now - timedelta(seconds=3610), job="live.append", parameters={"path": str(installation.runs)}
    )
    rows = [Schedule.objects.get(pk=pattern.pk) for _ in range(count - 1)]
    for row in rows:
        row.pk, row.key = None, keys.unnamed()
    Schedule.objects.bulk_create(rows)
    return list(Schedule.objects.values_list("pk", flat=True))


@sqlite_in_drills
def test_any_number_of_dispatchers_make_one_task_of_each_occurrence(installation: Installation) -> None:
    ids = [str(pk) for pk in due_schedules(DUE, installation)]
    processes = [installation.dispatcher("due") for _ in range(3)]
    processes.append(installation.dispatcher("fire", *ids))
    processes.append(installation.dispatcher("fire", *reversed(ids)))
    for process in processes:
        installation.until(lambda process=process: "ready" in process.said())  # type: ignore[misc]  # mypy cannot infer a default
    for process in processes:
        process.go()
    assert [process.wait() for process in processes] == [0] * len(processes), [process.said() for process in processes]
    tasks = Task.objects.all()
    assert tasks.count() == DUE
    assert set(tasks.values_list("status", "sends")) == {(Status.QUEUED, 1)}
    assert sorted(installation.messages()) == sorted((task.pk, 1) for task in tasks)


@sqlite_in_drills
def test_what_a_killed_dispatcher_did_not_hand_over_is_sent_by_another(installation: Installation) -> None:
    [_] = due_schedules(1, installation)
    killed = installation.dispatcher("die")
    killed.go()
    assert killed.wait() == -9
    task = Task.objects.get()
    assert (task.status, task.sends) == (Status.QUEUED, 0)
    assert installation.messages() == []
    Task.objects.update(send_at=timezone.now())
    installation.worker()
    installation.beat()
    installation.until(lambda: Task.objects.filter(status=Status.COMPLETED).exists())
    assert installation.ran() == [task.pk]
