"""Makes the rows of benchmarks/growth.py: whole ledgers of any size on PostgreSQL, in a few INSERT ... SELECT."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, models

from scheduling.models import DriftRecord, DriftSchedule, Host, Schedule, Task, TaskAttempt, TaskEvent, Workflow

# Tasks are stored in steps: one INSERT of ten million rows would need memory for all of its foreign keys.
STEP: Final = 500_000
# Of a hundred tasks the first so many completed; each of the next kinds takes one or two.
_STATUS: Final = (
    "CASE WHEN n % 100 < 95 THEN 'COMPLETED' WHEN n % 100 < 97 THEN 'FAILED' WHEN n % 100 = 97 THEN 'CANCELLED' "
    "WHEN n % 100 = 98 THEN 'SKIPPED' ELSE 'MISSED' END"
)
_RAN: Final = "n % 100 < 97"
# How many days ago the first task of a ledger was stored: retention keeps it.
DAYS: Final = 25
# How soon the next one followed: so 20 million fit into the days.
EVERY: Final = timedelta(milliseconds=100)


def schedules(number: int, now: datetime) -> None:
    """Store so many schedules that are due in the future: on Beat, and every tenth on one of 20 hosts."""
    Host.objects.bulk_create(
        Host(name=f"host-{each}", crontab="file:/var/lib/tandem/crontab", zone="UTC", heartbeat_at=now)
        for each in range(20)
    )
    made = Schedule.objects.create(
        name="pattern", job="demo.process_data", cron="0 3 * * *", anchor=now, cursor=now, created_at=now,
        updated_at=now, backend="auto", executor="auto", routed_to="beat", runs_on="worker", sync_state="in_sync",
        next_due_at=now + timedelta(days=2), routing_reason="Beat is the default",
    )  # fmt: skip
    _copy(
        made,
        range(2, number + 1),
        key="'report-' || n",
        name="'Report ' || n % 977 || ' of customer ' || n",
        cron="n % 60 || ' ' || n % 24 || ' * * *'",
        job="CASE WHEN n % 50 = 0 THEN 'http.fetch' ELSE 'demo.process_data' END",
        routed_to="CASE WHEN n % 10 = 0 THEN 'crontab' ELSE 'beat' END",
        runs_on="CASE WHEN n % 10 = 0 THEN 'inline' ELSE 'worker' END",
        host="CASE WHEN n % 10 = 0 THEN 'host-' || n / 10 % 20 ELSE '' END",
        paused="n % 1000 = 7",
        next_due_at="CASE WHEN n % 1000 = 7 THEN NULL ELSE one.next_due_at + n * interval '1 second' END",
        sync_state="CASE WHEN n % 5000 = 11 THEN 'out_of_sync' ELSE 'in_sync' END",
    )


def tasks(number: int, *, of_schedules: int, now: datetime, every: timedelta = EVERY) -> None:
    """Store tasks until there are so many, each with the attempt and the events that it had.

    The first is stored by Django, the others are copies of it: their columns are those of the models. One came after
    the other, every `every`, from DAYS ago on.
    """
    first = Task.objects.count() + 1
    if first > number:
        return
    start = Task.objects.earliest("pk").created_at if first > 1 else now - timedelta(days=DAYS)
    created = f"timestamptz '{start.isoformat()}' + n * interval '{every.total_seconds()} seconds'"
    due = f"date_trunc('second', {created})"
    one = _pattern(start)
    task_copy = _columns_of_task(of_schedules, created, due)
    attempt = TaskAttempt.objects.create(
        task=one, number=1, status="COMPLETED", executor="worker", worker="celery@worker-1, process 4711",
        started_at=start, ended_at=start,
    )  # fmt: skip
    event = TaskEvent.objects.create(task=one, number=1, at=start, status="QUEUED", detail={})
    shift = f"{one.pk} - {first} + n"
    for low in range(first + 1, number + 1, STEP):
        which = range(low, min(low + STEP, number + 1))
        _copy(one, which, id=shift, **task_copy)
        ended = "CASE WHEN n % 100 < 95 THEN 'COMPLETED' ELSE 'FAILED' END"
        _copy(attempt, which, "n % 100 < 97", task_id=shift, status=ended, started_at=created, ended_at=created)
        _copy(
            event,
            which,
            f"k = 1 OR {_RAN} OR (k = 2 AND n % 100 = 97)",
            "CROSS JOIN generate_series(1, 3) k",
            "n, k",
            task_id=shift,
            number="k",
            at=created,
            status=f"CASE WHEN k = 1 AND n % 100 < 98 THEN 'QUEUED' WHEN k = 2 AND {_RAN} THEN 'RUNNING' "
            f"ELSE {_STATUS} END",
            detail=f"CASE WHEN k = 2 AND {_RAN} THEN '{{\"attempt\": 1}}'::jsonb ELSE one.detail END",
        )
    table = _table(Task)
    _execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")


def _pattern(start: datetime) -> Task:
    """The task that the others are copies of."""
    return Task.objects.create(
        schedule_id=1, name="pattern", job="demo.process_data", parameters={"rows": 3}, due_at=None,
        woken_by="beat", status="COMPLETED", executor="worker", result={"rows": 3}, created_at=start, events=3,
        process="worker-1", sends=1, started_at=start, finished_at=start, priority=5,
    )  # fmt: skip


def _columns_of_task(of_schedules: int, created: str, due: str) -> dict[str, str]:
    """In what the n-th task differs from the pattern, as SQL."""
    return {
        "schedule_id": f"CASE WHEN n % 20 = 3 THEN NULL ELSE 1 + n % {of_schedules} END",
        "name": f"'Report ' || (n % {of_schedules}) % 977 || ' of customer ' || n % {of_schedules}",
        "job": "CASE WHEN n % 50 = 0 THEN 'http.fetch' ELSE 'demo.process_data' END",
        "due_at": f"CASE WHEN n % 20 = 3 THEN NULL ELSE {due} END",
        "woken_by": "CASE WHEN n % 20 = 3 THEN 'request' WHEN n % 10 = 0 THEN 'crontab' ELSE 'beat' END",
        "executor": "CASE WHEN n % 10 = 0 THEN 'inline' ELSE 'worker' END",
        "host": "CASE WHEN n % 10 = 0 THEN 'host-' || n / 10 % 20 ELSE '' END",
        "status": _STATUS,
        "events": f"CASE WHEN {_RAN} THEN 3 WHEN n % 100 = 97 THEN 2 ELSE 1 END",
        "result": "CASE WHEN n % 100 < 95 THEN one.result END",
        "created_at": created,
        "started_at": f"CASE WHEN {_RAN} THEN {created} + interval '10 milliseconds' END",
        "finished_at": f"{created} + interval '20 milliseconds'",
    }


def workflows(number: int, now: datetime) -> None:
    """Store so many ended workflows."""
    one = Workflow.objects.create(
        name="pattern", definition={"job": "demo.process_data"}, created_at=now, status="COMPLETED"
    )
    _copy(
        one,
        range(2, number + 1),
        name="'Import ' || n",
        status="CASE WHEN n % 50 = 0 THEN 'FAILED' ELSE 'COMPLETED' END",
        created_at=f"one.created_at - interval '30 days' + n * interval '{DAYS * 86400 / number} seconds'",
    )


def differences(number: int, now: datetime) -> None:
    """Store so many mended differences, each of one schedule."""
    one = DriftRecord.objects.create(
        number=1, backend="beat", kind="missing", wanted="0 3 * * * UTC", noticed_by="process 1 on host-1",
        noticed_at=now, seen_at=now, mended_at=now,
    )  # fmt: skip
    host = "CASE WHEN n % 10 = 0 THEN 'host-' || n / 10 % 20 ELSE '' END"
    kind = "CASE WHEN n % 100 = 0 THEN 'doubled' WHEN n % 3 = 0 THEN 'changed' ELSE 'missing' END"
    backend = "CASE WHEN n % 10 = 0 THEN 'crontab' ELSE 'beat' END"
    _copy(one, range(2, number + 1), number="n", host=host, kind=kind, backend=backend)
    concerned = DriftSchedule.objects.create(record=one, schedule_id=1)
    _copy(concerned, range(2, number + 1), record_id=f"{one.pk} - 1 + n", schedule_id="n")


def analyze() -> None:
    """Have the planner know the sizes, as autovacuum does a minute later."""
    _execute("VACUUM ANALYZE")


def bytes_of(*tables: type[models.Model]) -> dict[str, dict[str, int]]:
    """For each table the bytes of its rows and of each of its indexes."""
    found: dict[str, dict[str, int]] = {}
    for table in map(_table, tables):
        indexes = "SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index WHERE indrelid = "
        found[table] = dict(_execute(f"SELECT 'rows', pg_table_size('{table}')"))
        found[table] |= dict(_execute(f"{indexes} '{table}'::regclass"))
    return found


def _copy(
    one: models.Model, numbers: range, where: str = "true", join: str = "", order: str = "n", **columns: str
) -> None:
    """Copy a stored row for each `n` of `numbers`; `columns` are SQL expressions of `n` and of the row `one`."""
    fields = one._meta.concrete_fields
    names = [str(field.column) for field in fields if not field.primary_key or "id" in columns]
    values = ", ".join(columns.get(name, f"one.{name}") for name in names)
    table = _table(type(one))
    # The rows fit each other, so no foreign key is checked: that would take most of the time.
    _execute("SET session_replication_role = replica")
    _execute(
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {values} FROM {table} one, "
        f"generate_series({numbers.start}, {numbers.stop - 1}) n {join} "
        f"WHERE one.id = {one.pk} AND ({where}) ORDER BY {order}"
    )
    _execute("SET session_replication_role = origin")


def _table(model: type[models.Model]) -> str:
    return model._meta.db_table


def _execute(statement: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []
