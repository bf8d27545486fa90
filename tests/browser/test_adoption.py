"""A PeriodicTask that a beat sends becomes a schedule in the browser, while that beat goes on."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from playwright.sync_api import expect

from scheduling.models import Schedule, Task
from tests.browser.conftest import Visit
from tests.live.installation import Installation

pytestmark = [pytest.mark.live, pytest.mark.drill]

EVERY = timedelta(seconds=2)


def test_no_occurrence_is_lost_or_runs_twice_at_the_switch(visit: Visit, on_postgres: Installation) -> None:
    clock = IntervalSchedule.objects.create(every=EVERY.seconds, period="seconds")
    stock = PeriodicTask.objects.create(
        name="Count the stock", task="live.append", interval=clock, kwargs=json.dumps({"path": str(on_postgres.runs)})
    )

    def sent() -> int:
        return int(PeriodicTask.objects.get(pk=stock.pk).total_run_count)

    on_postgres.beat()
    on_postgres.worker()
    on_postgres.until(lambda: sent() >= 2)
    page = visit.page()
    page.goto("/schedules/")
    page.get_by_role("link", name="Adopt Count the stock").click()
    expect(page.get_by_role("heading", name="Adopt Count the stock")).to_be_visible()
    # The dry run has stored nothing.
    assert not Schedule.objects.exists()
    page.get_by_role("button", name="Adopt").click()
    expect(page.get_by_role("status")).to_contain_text("is a schedule of Tandem now")
    row = PeriodicTask.objects.get(pk=stock.pk)
    assert not row.enabled
    before = sent()
    on_postgres.until(lambda: len(set(on_postgres.ran())) >= 4)
    due = [at for at in Task.objects.order_by("due_at").values_list("due_at", flat=True) if at is not None]
    # The first of ours follows the last of the row, and each of the others the one before it.
    assert due[0] == row.last_run_at.replace(microsecond=0) + EVERY
    assert {later - earlier for earlier, later in pairwise(due)} == {EVERY}
    assert len(on_postgres.ran()) == len(set(on_postgres.ran()))
    assert sent() == before
    assert visit.complaints == []
