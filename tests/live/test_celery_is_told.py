"""What Celery shows of our jobs: its events, as Flower and celery-exporter get them, and the log of a real worker."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import Celery
from django.utils import timezone

from backends.queue.message_ids import ids_in
from scheduling import ledger
from scheduling.lifecycle import OPEN, Status
from scheduling.models import Task
from settings.brokers import celery_settings
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.live.installation import Installation
from tests.live.jobs import RAISED

pytestmark = pytest.mark.live

ENDS = {"task-succeeded", "task-failed", "task-retried", "task-revoked"}
Event = dict[str, Any]


@contextmanager
def events_of(installation: Installation) -> Iterator[list[Event]]:
    """The events that workers have sent so far, in order."""
    caught: list[Event] = []
    with Celery("events", set_as_current=False) as app:
        app.config_from_object(celery_settings(installation.broker_url, socket=installation.folder / "unused"))
        with app.connection_for_read() as connection:
            receiver = app.events.Receiver(connection, handlers={"*": caught.append})
            thread = threading.Thread(target=receiver.capture, kwargs={"limit": None, "wakeup": False})
            thread.start()
            try:
                yield caught
            finally:
                receiver.should_stop = True
                thread.join()


def ends(caught: list[Event]) -> dict[tuple[int, int], tuple[str, str]]:
    """For each attempt, the name that Celery shows and its last event."""
    names = {event["uuid"]: event["name"] for event in list(caught) if event["type"] == "task-received"}
    found = {}
    for event in list(caught):
        if event["type"] in ENDS:
            ids = ids_in(event["uuid"])
            found[ids["task_id"], ids["attempt"]] = (names[event["uuid"]], event["type"])
    return found


@pytest.mark.parametrize(
    "pool", ["prefork", *(pytest.param(pool, marks=pytest.mark.drill) for pool in ("threads", "solo"))]
)
def test_each_end_is_told_under_the_name_of_the_job(on_postgres: Installation, pool: str) -> None:
    there = on_postgres

    def task_of(job: str, **parameters: str) -> Task:
        return a_task(a_schedule(every=86_400, job=job, parameters={"path": str(there.runs)} | parameters))

    with events_of(there) as caught:
        there.worker(processes=2, pool=pool)
        there.until(lambda: any(event["type"] == "worker-online" for event in list(caught)))
        stops = task_of("live.until_stopped")
        retried, failing = task_of("live.fails_at_first"), [task_of("live.fails", kind=kind) for kind in RAISED]
        fine = task_of("live.append")
        Task.objects.update(send_at=timezone.now())
        there.beat()
        there.until(lambda: stops.pk in there.ran())
        assert ledger.ask_to_stop(stops.pk, reason="not wanted", now=timezone.now())
        there.until(lambda: not Task.objects.filter(status__in=OPEN).exists())
        expected = {
            (stops.pk, 1): ("live.until_stopped", "task-revoked"),
            (retried.pk, 1): ("live.fails_at_first", "task-retried"),
            (retried.pk, 2): ("live.fails_at_first", "task-succeeded"),
            (fine.pk, 1): ("live.append", "task-succeeded"),
        } | {(task.pk, 1): ("live.fails", "task-failed") for task in failing}
        there.until(lambda: ends(caught).keys() >= expected.keys())
        assert ends(caught) == expected
        # Each attempt ran once, and each ended once.
        assert Counter(there.ran()) == {stops.pk: 1, retried.pk: 2, fine.pk: 1} | {task.pk: 1 for task in failing}
        assert len([event for event in caught if event["type"] in ENDS]) == len(expected)
    _check_the_failure(there, failing[0], caught)


def _check_the_failure(there: Installation, task: Task, caught: list[Event]) -> None:
    task.refresh_from_db()
    assert (task.status, task.error) == (Status.FAILED, "ValueError: as asked")
    failures = [event for event in caught if event["type"] == "task-failed"]
    [failed] = [event for event in failures if ids_in(event["uuid"])["task_id"] == task.pk]
    assert failed["exception"] == "ValueError('as asked')"
    assert "in fails" in failed["traceback"]
    log = there.folder / "0.log"
    assert re.search(rf"ERROR .*Task live\.fails\[task-{task.pk}-attempt-1-.*ValueError", log.read_text())
