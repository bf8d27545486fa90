"""Fills a database with schedules: `python -m benchmarks._api.rows tandem|stock MANY`. Prints a token of the API."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402 - after setup()
from django.utils import timezone  # noqa: E402 - as above

# Different expressions, as in the other benchmarks.
DISTINCT = 199


def tandem(many: int) -> str:
    """Active schedules on Beat, which are due later today."""
    from api.tokens import service  # noqa: PLC0415 - only one side has it
    from scheduling.models import Schedule  # noqa: PLC0415 - as above

    now = timezone.now().replace(microsecond=0)
    fields: dict[str, Any] = {
        "job": "demo.process_data",
        "backend": "beat",
        "routed_to": "beat",
        "runs_on": "worker",
        "executor": "auto",
        **dict.fromkeys(("anchor", "created_at", "updated_at", "cursor"), now),
        "next_due_at": now + timedelta(hours=6),
    }
    crons = [f"{number % 60} {number // 60} * * *" for number in range(DISTINCT)]
    Schedule.objects.bulk_create(
        (Schedule(name=f"schedule {number}", cron=crons[number % DISTINCT], **fields) for number in range(many)),
        batch_size=2000,
    )
    user = User.objects.create_superuser("bench")
    return service.create(user, name="bench", expires_at=now + timedelta(days=1), now=now)[1]


def stock(many: int) -> str:
    """Enabled PeriodicTasks with crontabs."""
    from django_celery_beat.models import CrontabSchedule, PeriodicTask  # noqa: PLC0415 - only one side has it
    from rest_framework.authtoken.models import Token  # noqa: PLC0415 - as above

    crontabs = [
        CrontabSchedule.objects.create(minute=number % 60, hour=number // 60, timezone="UTC")
        for number in range(DISTINCT)
    ]
    PeriodicTask.objects.bulk_create(
        (
            PeriodicTask(name=f"schedule {number}", task="bench.nothing", crontab=crontabs[number % DISTINCT])
            for number in range(many)
        ),
        batch_size=2000,
    )
    return str(Token.objects.create(user=User.objects.create_superuser("bench")).key)


if __name__ == "__main__":
    print({"tandem": tandem, "stock": stock}[sys.argv[1]](int(sys.argv[2])))
