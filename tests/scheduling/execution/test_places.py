"""What a process that runs jobs does about limits: who ends hands over who waits, on workers and inline."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from pytest_django import Settings

from scheduling import delivery, ledger
from scheduling.execution.run import run_attempt
from scheduling.job_context import JobContext
from scheduling.models import Task
from tests.recording import RecordingExecutor
from tests.scheduling.execution.stored_jobs import a_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def limited(register: Callable[..., str], settings: Settings) -> str:
    """A job of which one task runs at once."""

    def nothing(context: JobContext) -> None:
        pass

    settings.TANDEM_TASK_LIMITS = {"job:test.nothing": {"concurrency": 1}}
    return register(nothing)


def test_who_ends_releases_who_waits(limited: str) -> None:
    first, second = a_task(limited), a_task(limited)
    running = ledger.claim(first.pk, 1, worker="me", now=timezone.now())
    assert running is not None
    refused = run_attempt(second.pk, 1, worker="me")
    assert (refused.status, refused.released) == (None, [])
    ledger.complete(running, result=None, now=timezone.now())
    # Its process died before it could hand the place on. Whoever is refused next does.
    third = a_task(limited)
    assert [task.pk for task in run_attempt(third.pk, 1, worker="me").released] == [second.pk]
    done = run_attempt(second.pk, 1, worker="me")
    assert (done.status, [task.pk for task in done.released]) == ("COMPLETED", [third.pk])


def test_inline_tasks_follow_each_other(limited: str, recorded: RecordingExecutor) -> None:
    there, here, also_here = (a_task(limited) for _ in range(3))
    inline = Task.objects.filter(pk__in=[here.pk, also_here.pk])
    inline.update(executor="inline", host="testhost")
    running = ledger.claim(there.pk, 1, worker="me", now=timezone.now())
    assert running is not None
    delivery.submit(list(inline), now=timezone.now())
    assert list(inline.values_list("status", "waits_for_limit").distinct()) == [("QUEUED", "job:test.nothing")]
    ledger.complete(running, result=None, now=timezone.now())
    # The first of them gets the place, and each that ends has the next one run here.
    delivery.submit(ledger.give_places(ledger.waited_for(), now=timezone.now()), now=timezone.now())
    assert list(inline.values_list("status", flat=True)) == ["COMPLETED", "COMPLETED"]
