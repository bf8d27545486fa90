"""Places under limits, where many claim at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from scheduling import ledger
from scheduling.lifecycle import Status
from scheduling.models import Task
from tests.scheduling.ledger.test_places import JOB, queued


@pytest.mark.django_db(transaction=True)
def test_however_many_claim_at_once_no_more_run_than_the_limit_allows(settings: Settings) -> None:
    """Eight workers take the messages of forty tasks at the same moments; half of what they begin ends at once."""
    settings.TANDEM_TASK_LIMITS = {f"job:{JOB}": {"concurrency": 3}}
    tasks, workers = queued(40), 8
    together = Barrier(workers, timeout=60)

    def work(number: int) -> list[int]:
        seen = []
        try:
            for task in tasks[number::workers]:
                together.wait()
                claimed = ledger.claim(task.pk, 1, worker=f"worker {number}", now=timezone.now())
                seen.append(Task.objects.filter(status=Status.RUNNING).count())
                together.wait()
                if claimed is not None and number % 2:
                    ledger.complete(claimed, result=None, now=timezone.now())
        finally:
            connection.close()
        return seen

    with ThreadPoolExecutor(workers) as pool:
        seen = [count for counts in pool.map(work, range(workers)) for count in counts]
    assert max(seen) == 3
