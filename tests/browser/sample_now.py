"""What happens just now in the sample: a workflow, a task that runs, one that waits for a limit, and what differs."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from django_celery_beat.models import PeriodicTask

from scheduling import ledger, schedules
from scheduling.models import DriftRecord, Schedule, SyncState, Task, Workflow
from scheduling.models.drift import DriftSchedule
from scheduling.workflows import advance
from scheduling.workflows import service as workflows


def differences(now: datetime) -> None:
    """One entry differs from its schedule, and one that did was mended; somebody has deleted a row of Beat's."""
    PeriodicTask.objects.filter(task="tandem.fire").order_by("pk")[0].delete()
    schedule = Schedule.objects.get(name="Clean up old exports")
    Schedule.objects.filter(pk=schedule.pk).update(
        sync_state=SyncState.OUT_OF_SYNC, sync_error="Somebody has changed its line in the crontab."
    )
    wanted = "15 3 * * * /srv/tandem/tandem-cron due"
    for number, (found, mended) in enumerate(((wanted.replace("15 3", "15 4"), None), ("", now - timedelta(days=2)))):
        record = DriftRecord.objects.create(
            number=number + 1, backend="crontab", host=schedule.host, kind="changed" if found else "missing",
            wanted=wanted, found=found, noticed_by=f"agent on {schedule.host}",
            noticed_at=now - timedelta(minutes=20 if mended is None else 3000), seen_at=now, mended_at=mended,
        )  # fmt: skip
        DriftSchedule.objects.create(record=record, schedule_id=schedule.pk)


def woken(now: datetime) -> None:
    """The host's cron has woken its schedules of late."""
    Schedule.objects.filter(routed_to="crontab").update(woken_at=now - timedelta(hours=3))


def waiting(now: datetime) -> Task:
    """A task that waits for the limit of its key, which another one holds."""
    schedule = Schedule.objects.get(name="Import orders from the shop")
    Schedule.objects.filter(pk=schedule.pk).update(limit_key="shop")
    first, second = (schedules.trigger(schedule.pk, now=now - timedelta(seconds=20))[0] for _ in range(2))
    for task in (first, second):
        ledger.claim(task.pk, 1, worker="celery@app-1, process 2521", now=now - timedelta(seconds=15))
    return second


def workflow(now: datetime) -> Workflow:
    """A chain whose middle is a chord: two of its tasks have completed, one runs."""
    regions = [_step(f"Statement {region}") for region in ("North", "South", "West")]
    merged: dict[str, Any] = {"group": regions, "callback": _step("Merge statements")}
    chain = [_step("Close the books"), {"chord": merged}, _step("Send to the auditors")]
    made, _ = workflows.create(
        now=now - timedelta(minutes=3),
        name="Month-end closing",
        workflow={"chain": chain, "on_failure": _step("Tell finance")},
    )
    for name, ends in (("Close the books", True), ("Statement North", True), ("Statement South", False)):
        task = Task.objects.get(workflow=made, name=name)
        claimed = ledger.claim(task.pk, task.attempt, worker="worker-1", now=now - timedelta(minutes=2))
        if claimed is not None and ends:
            ledger.complete(claimed, result={"entries": 1204, "total": "88213.20"}, now=now - timedelta(minutes=1))
            advance.advance(made.pk, now=now)
    return made


def _step(name: str) -> dict[str, Any]:
    return {"job": "demo.process_data", "parameters": {"steps": 2}, "name": name}


def running(now: datetime, chance: random.Random) -> Task:
    schedule = Schedule.objects.get(name="Sync stock with the warehouse")
    task, _ = schedules.trigger(schedule.pk, now=now - timedelta(seconds=40))
    claimed = ledger.claim(task.pk, 1, worker="celery@app-1, process 7570", now=now - timedelta(seconds=38))
    if claimed is not None:
        Task.objects.filter(pk=task.pk).update(
            progress={"done": chance.randrange(40, 60), "total": 80, "message": "shelf B"}
        )
    return task
