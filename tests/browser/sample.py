"""A ledger as a shop's back office may have one, for pictures of the dashboard: made by the services themselves."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from api.tokens import service
from dashboard.models import Acknowledgement, SavedView
from dashboard.today.attention import subject_of
from scheduling import caller, ledger, queries, schedules
from scheduling.caller import Caller
from scheduling.lifecycle import Status
from scheduling.models import Host, Process, Schedule, Task, TaskAttempt, TaskLogLine, Workflow
from scheduling.timing import tzdata_version
from tests.browser import sample_now

# The same picture each time.
_SEED: Final = 13
# With a secret by its name: tests.browser.pictures sets its value.
_FETCHED: Final = {"url": "https://rates.example.org/eur", "headers": {"Authorization": {"$secret": "rates-token"}}}
_TRACEBACK: Final = """Traceback (most recent call last):
  File "shop/stock.py", line 84, in sync
    answer = shop.stock(shelf, timeout=30)
TimedOut: the shop did not answer within 30 seconds"""
# name, fields, how long a run takes in seconds, and how many of a hundred fail.
_SCHEDULES: Final[tuple[tuple[str, dict[str, Any], float, int], ...]] = (
    ("Import orders from the shop", {"cron": "*/10 * * * *", "timezone": "Europe/Berlin"}, 24, 4),
    ("Nightly backup of the database", {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}, 640, 0),
    ("Send the sales report", {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"}, 8, 0),
    ("Refresh exchange rates", {"cron": "5 * * * *", "job": "http.fetch", "parameters": _FETCHED}, 2, 0),
    ("Clean up old exports", {"cron": "15 3 * * *", "backend": "crontab"}, 31, 0),
    ("Sync stock with the warehouse", {"every": 1800}, 95, 9),
    ("Rebuild the search index", {"cron": "0 */4 * * *", "timezone": "America/New_York"}, 410, 0),
    ("Monthly invoice run", {"cron": "0 6 1 * *", "timezone": "Europe/Berlin"}, 1900, 0),
    ("Check certificates", {"cron": "45 7 * * *", "backend": "crontab"}, 3, 0),
    ("Archive call recordings", {"cron": "0 22 * * 0", "paused": True}, 300, 0),
)
_LONGEST: Final = timedelta(days=7)


def processes_live(now: datetime) -> None:
    """The processes of a small installation, and its host with a crontab."""
    chance = random.Random(_SEED)  # noqa: S311 - for a picture
    for kind in ("beat", "worker", "worker", "web"):
        Process.objects.create(
            key=f"{kind}-{chance.random()}", kind=kind, host="app-1", pid=chance.randrange(1000, 9000),
            tzdata=tzdata_version(), started_at=now - timedelta(days=3), seen_at=now,
            queues=["tandem"] if kind == "worker" else [],
        )  # fmt: skip
    Host.objects.create(
        name=str(settings.TANDEM_HOST), crontab="/var/spool/cron/crontabs/tandem", zone="UTC", tzdata=tzdata_version(),
        heartbeat_at=now,
    )  # fmt: skip


def fill(now: datetime) -> tuple[Workflow, Task, Task]:
    """Store schedules, the runs of a week, and what `sample_now` has. Returns a workflow, a task that runs, and one
    that failed.
    """
    chance = random.Random(_SEED)  # noqa: S311 - for a picture
    for name, fields, seconds, failing in _SCHEDULES:
        tags = ["shop"] if "stock" in name or "orders" in name else ["finance"] if "invoice" in name else []
        asked = {"job": "demo.process_data", "parameters": {"steps": 3}, "tags": tags, **fields}
        with caller.acting(Caller("user", user="ada", address="192.0.2.17")):
            made = schedules.create(now=now - _LONGEST - timedelta(days=1), name=name, **asked)
        _history(made, now, seconds, failing, chance)
    _changes(now)
    clock = CrontabSchedule.objects.create(minute="0", hour="4", timezone="Europe/Berlin")
    PeriodicTask.objects.create(name="Shop: drop old carts", task="shop.tasks.drop_carts", crontab=clock)
    PeriodicTask.objects.create(name="Shop: count the stock", task="demo.process_data", crontab=clock, priority=7)
    sample_now.differences(now)
    sample_now.woken(now)
    workflow, running = sample_now.workflow(now), sample_now.running(now, chance)
    sample_now.waiting(now)
    return workflow, running, _told(Task.objects.filter(status=Status.FAILED).latest("pk"))


def more(now: datetime) -> None:
    """As many schedules more as make the timeline a heat map."""
    first = Schedule.objects.get(name="Nightly backup of the database")
    chance = random.Random(_SEED)  # noqa: S311 - for a picture
    for number in range(120):
        cron = f"{chance.choice((0, 0, 15, 30))} {chance.choice((0, 2, 2, 3, 6, 9, 18))} * * {chance.choice('*****15')}"
        schedules.create(now=now, name=f"Export of shop {number}", job=first.job, cron=cron, timezone="Europe/Berlin")


def calm() -> None:
    """Somebody has acknowledged all that failed or was missed, and mended what differed."""
    Schedule.objects.update(sync_state="in_sync", sync_error="")
    for task in Task.objects.filter(status__in=(Status.FAILED, Status.MISSED)).order_by("pk"):
        subject = subject_of(task.schedule_id, task.job, task.status)
        Acknowledgement.objects.update_or_create(
            subject=subject, defaults={"task": task.pk, "by": "ada", "at": timezone.now()}
        )


def keep_alive() -> None:
    """Nobody is there who moves the pulses, or decides what comes due: the pictures show a system that works."""
    now = timezone.now()
    Process.objects.update(seen_at=now)
    Host.objects.update(heartbeat_at=now)
    for schedule in Schedule.objects.filter(next_due_at__lte=now):
        schedule.cursor = now
        schedule.next_due_at = next(iter(queries.next_occurrences(schedule, count=1)), None)
        schedule.save()


def _changes(now: datetime) -> None:
    """What two people have changed of late."""
    stock, invoices = (Schedule.objects.get(name__startswith=name) for name in ("Sync stock", "Monthly"))
    with caller.acting(Caller("user", user="ben", address="192.0.2.40")):
        schedules.update(
            stock.pk, now=now - timedelta(days=1), grace=timedelta(minutes=2), retries={"max": 2},
            parameters={"steps": 5}, description="Asked for by the warehouse.",
        )  # fmt: skip
        schedules.pause(invoices.pk, now=now - timedelta(hours=10))
    with caller.acting(Caller("token", user="ada", token="k3v9 Deploy script", address="192.0.2.17")):
        schedules.resume(invoices.pk, now=now - timedelta(hours=5))


def _told(failed: Task) -> Task:
    """A task that failed, with its attempt and what its job has logged."""
    began, ended = failed.started_at or failed.created_at, failed.finished_at or failed.created_at
    TaskAttempt.objects.create(
        task=failed, number=1, status=Status.FAILED, executor="worker", worker="celery@app-1, process 2521",
        started_at=began, ended_at=ended, error=failed.error, traceback=_TRACEBACK,
    )  # fmt: skip
    for number, message in enumerate(
        ("1204 articles on shelf A", "980 articles on shelf B", "the shop does not answer")
    ):
        at = began + timedelta(seconds=30 * number)
        TaskLogLine.objects.create(task=failed, attempt=1, at=at, level="INFO", message=message)
    return failed


def _history(schedule: Schedule, now: datetime, seconds: float, failing: int, chance: random.Random) -> None:
    if schedule.next_due_at is None:
        return
    due = [at for at in queries.next_occurrences(schedule, count=2000) if now - _LONGEST < at < now]
    ledger.record([_ended(schedule, at, seconds, failing, chance) for at in due], now)
    schedule.refresh_from_db()
    schedule.cursor = now
    schedule.next_due_at = next(iter(queries.next_occurrences(schedule, count=1)), None)
    schedule.sync_state = "in_sync"
    schedule.save()


def _ended(schedule: Schedule, due: datetime, seconds: float, failing: int, chance: random.Random) -> Task:
    fails = chance.randrange(100) < failing
    start = due + timedelta(seconds=chance.expovariate(1.5))
    missed = chance.randrange(400) == 0
    return Task(
        schedule=schedule, name=schedule.name, job=schedule.job, parameters=schedule.parameters,
        woken_by=schedule.routed_to, executor=schedule.runs_on, due_at=due, created_at=due,
        status=Status.MISSED if missed else Status.FAILED if fails else Status.COMPLETED,
        reason="nothing was running when it was due" if missed else "",
        error="TimedOut: the shop did not answer within 30 seconds" if fails and not missed else "",
        started_at=None if missed else start,
        finished_at=start if missed else start + timedelta(seconds=seconds * chance.uniform(0.8, 1.5)),
        result=None if fails or missed else {"processed": chance.randrange(900), "skipped": 0, "source": "shop"},
    )  # fmt: skip


def tokens(user: User, now: datetime) -> None:
    """Store what this user has: a token that is used, one that was revoked, and saved views."""
    for name, query in (("Shop", "tag=shop"), ("Next due", "sort=due"), ("Paused", "state=paused")):
        SavedView.objects.create(user=user, page="schedules", name=name, query=query)
    for name, days in (("Deploy script", 90), ("Old laptop", 30)):
        made, _ = service.create(
            user, name=name, expires_at=now + timedelta(days=days), now=now, scopes=["read", "run"]
        )
        made.last_used_at = now - timedelta(hours=days)
        made.revoked_at = now - timedelta(days=1) if days == 30 else None
        made.save()
