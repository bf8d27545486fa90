"""Fills a ledger and asks for each page of the dashboard, for benchmarks/pages.py. Prints the figures as JSON."""

from __future__ import annotations

import json
import logging
import sys
import time
from datetime import timedelta
from statistics import median
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402 - the applications must be loaded
from django.contrib.auth.models import User  # noqa: E402 - as above
from django.db import connection  # noqa: E402 - as above
from django.test import Client  # noqa: E402 - as above
from django.utils import timezone  # noqa: E402 - as above
from django_celery_beat.models import CrontabSchedule, PeriodicTask  # noqa: E402 - as above

from benchmarks import _growth_rows as rows  # noqa: E402 - as above
from scheduling.models import Schedule, StatisticsPosition, Task, TaskEvent, Workflow  # noqa: E402 - as above
from scheduling.workflows import service  # noqa: E402 - as above

# As long as a million tasks of 100,000 daily schedules are kept.
SPAN = timedelta(days=10)
STOCK = "/admin/django_celery_beat/periodictask/"


def main() -> None:
    """Fill, and measure."""
    tasks, schedules, count = (int(word) for word in sys.argv[1:4])
    logging.disable(logging.WARNING)
    # This client is no browser: its host is that of no deployment.
    settings.ALLOWED_HOSTS = ["testserver"]
    _fill(tasks, schedules)
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    print(json.dumps({name: _figures(client, address, count) for name, address in _pages().items()}))


def _fill(tasks: int, schedules: int) -> None:
    now = timezone.now()
    rows.schedules(schedules, now)
    # They have come in over ten days, and the newest has just ended.
    rows.tasks(tasks, of_schedules=schedules, now=now + timedelta(days=rows.DAYS) - SPAN, every=SPAN / tasks)
    rows.workflows(10_000, now)
    clock = CrontabSchedule.objects.create(minute="0", hour="3")
    PeriodicTask.objects.bulk_create(
        [PeriodicTask(name=f"stock {number}", task="shop.tasks.report", crontab=clock) for number in range(schedules)],
        batch_size=5_000,
    )
    task = {"job": "demo.process_data"}
    _count()
    service.create(now=now, name="closing", workflow={"chain": [task, {"group": [task] * 20}, task]})
    rows.analyze()


def _count() -> None:
    """Let the statistics be as upkeep has them, which counts every few seconds: up to the newest event."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tandem_scheduling_statistic (hour, by, name, outcomes, durations, lateness) "
            "SELECT hour, 'job', job, jsonb_object_agg(status, count), '[]', '[]' FROM (SELECT date_trunc('hour', "
            "finished_at) AS hour, job, status, count(*) FROM tandem_scheduling_task WHERE finished_at IS NOT NULL "
            "GROUP BY 1, 2, 3) ended GROUP BY hour, job"
        )
    StatisticsPosition.objects.create(pk=1, high=TaskEvent.objects.latest("pk").pk)


def _pages() -> dict[str, str]:
    schedule, task = Schedule.objects.latest("pk"), Task.objects.filter(status="FAILED").latest("pk")
    middle = Task.objects.latest("pk").pk // 2
    return {
        "Today": "/",
        "Schedules": "/schedules/",
        "Schedules, a search": "/schedules/?q=customer+4711",
        "Schedules, a search that finds none": "/schedules/?q=no+such+name",
        "Schedules, paused": "/schedules/?state=paused",
        "Schedules, in trouble": "/schedules/?state=trouble",
        "Schedules, next due first": "/schedules/?sort=due",
        "A schedule": f"/schedules/{schedule.pk}/",
        "Skip the next of a schedule": f"/schedules/{schedule.pk}/skip/",
        "New schedule": "/schedules/new/",
        "Edit a schedule": f"/schedules/{schedule.pk}/edit/",
        "Timeline, 24 hours": "/timeline/",
        "Timeline, 7 days": "/timeline/?span=week",
        "Timeline, a month": "/timeline/?span=month",
        "Timeline, lanes": "/timeline/?view=lanes",
        "Timeline, lanes of a month": "/timeline/?view=lanes&span=month",
        "Tasks": "/tasks/",
        "Tasks, from the middle": f"/tasks/?before={middle}",
        "Tasks, failed": "/tasks/?status=FAILED",
        "Tasks, a search": "/tasks/?q=customer+4711",
        "A task": f"/tasks/{task.pk}/",
        "Workflows": "/workflows/",
        "A workflow": f"/workflows/{Workflow.objects.latest('pk').pk}/",
        "Review": "/review/",
        "System": "/system/",
        "Settings": "/settings/",
        "Members": "/settings/members/",
        "Secrets": "/settings/secrets/",
        "Audit": "/settings/audit/",
        "Stock: PeriodicTasks in Django's admin": STOCK,
    }


def _figures(client: Client, address: str, count: int) -> dict[str, Any]:
    asked: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        asked.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        answer = client.get(address)
    if answer.status_code != 200:
        raise SystemExit(f"{address} answered {answer.status_code}")
    times = [_seconds(client, address) for _ in range(count)]
    return {"ms": 1000 * median(times), "statements": len(asked), "kB": len(answer.content) / 1000}


def _seconds(client: Client, address: str) -> float:
    started = time.perf_counter()
    client.get(address)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
