"""`python -m benchmarks._worker.load WHICH fill N` or `... lone N`: what benchmarks/worker.py asks of one contender.

WHICH is `stock` or `tandem`. `fill` puts N tasks into the queue. `lone` runs N tasks one after another, and prints the
milliseconds from publishing each of them until its end is in the database, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import django

django.setup()

from django.db import connection  # noqa: E402 - after setup()
from django.utils import timezone  # noqa: E402 - as above

BATCH: Final = 500
# Between two looks at the database: short beside what is measured, and long enough to leave the worker the processor.
LOOK_SECONDS: Final = 0.001
PAUSE_SECONDS: Final = 0.02

Send = Callable[[int], tuple[list[int | str], float]]


def stock(count: int) -> tuple[list[int | str], float]:
    """Send `count` messages. Returns the ids, and when sending began."""
    from benchmarks._worker.stock import app, nothing  # noqa: PLC0415 - the other contender has no such application

    begun = time.perf_counter()
    with app.producer_pool.acquire(block=True) as producer:
        return [nothing.apply_async(producer=producer).id for _ in range(count)], begun


def tandem(count: int) -> tuple[list[int | str], float]:
    """Store `count` queued tasks and hand them over, as dispatch does. Returns the ids, and when the last were sent."""
    from django.db import transaction  # noqa: PLC0415 - beside what else only this contender has

    from scheduling import delivery, ledger  # noqa: PLC0415 - as in `stock`
    from scheduling.models import Task  # noqa: PLC0415 - as above

    now, begun, ids = timezone.now(), 0.0, list[int | str]()
    for begin in range(0, count, BATCH):
        rows = [
            # An hour: nothing is sent a second time in a run.
            Task(
                name="bench",
                job="bench.nothing",
                status="QUEUED",
                executor="worker",
                woken_by="request",
                send_at=now + timedelta(hours=1),
            )
            for _ in range(min(BATCH, count - begin))
        ]
        with transaction.atomic():
            made = ledger.record(rows, now)
        begun = time.perf_counter()
        delivery.submit(made, now=now)
        ids += [task.pk for task in made]
    return ids, begun


ENDED: Final = {
    "stock": "SELECT 1 FROM django_celery_results_taskresult WHERE task_id = %s AND status = 'SUCCESS'",
    "tandem": "SELECT 1 FROM tandem_scheduling_task WHERE id = %s AND finished_at IS NOT NULL",
}


def lone(send: Send, ended: str, count: int) -> list[float]:
    """The milliseconds of each of `count` tasks that are sent one after another."""
    found = []
    for _ in range(count):
        [task], begun = send(1)
        while not _has_ended(ended, task):
            time.sleep(LOOK_SECONDS)
        found.append((time.perf_counter() - begun) * 1000)
        time.sleep(PAUSE_SECONDS)
    return found


def _has_ended(query: str, task: int | str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(query, [task])
        return cursor.fetchone() is not None


if __name__ == "__main__":
    _, which, what, number = sys.argv
    sender: Send = {"stock": stock, "tandem": tandem}[which]
    if what == "fill":
        sender(int(number))
    else:
        print(json.dumps(lone(sender, ENDED[which], int(number))))
