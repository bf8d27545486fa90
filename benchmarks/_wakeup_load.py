"""What benchmarks/wakeup.py does in the database: `due N` makes N schedules due, `wait N` waits for N tasks."""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta

import django

django.setup()

from django.conf import settings  # noqa: E402 - after setup()
from django.utils import timezone  # noqa: E402 - as above

from scheduling.models import Schedule, Task  # noqa: E402 - as above


def due(many: int) -> None:
    """Make `many` inline schedules that are due at the last minute, in place of those that were."""
    minute = timezone.now().replace(second=0, microsecond=0)
    Schedule.objects.all().delete()
    Task.objects.all().delete()
    Schedule.objects.bulk_create(
        Schedule(
            name=f"schedule {number}",
            job="demo.process_data",
            cron=f"{minute.minute} {minute.hour} * * *",
            backend="crontab",
            routed_to="crontab",
            runs_on="inline",
            host=settings.TANDEM_HOST,
            anchor=minute,
            created_at=minute,
            updated_at=minute,
            cursor=minute - timedelta(seconds=1),
            next_due_at=minute,
        )
        for number in range(many)
    )


def wait(many: int) -> float:
    """When the last of `many` tasks started, as seconds since 1970. Waits until all have started."""
    started = Task.objects.filter(started_at__isnull=False)
    while started.count() < many:
        time.sleep(0.2)
    last = started.latest("started_at").started_at
    assert last is not None  # noqa: S101 - the filter says so
    return last.timestamp()


if __name__ == "__main__":
    which, count = sys.argv[1], int(sys.argv[2])
    if which == "due":
        due(count)
    else:
        print(json.dumps(wait(count)))
