"""What the engines run that is not ours, in the list of schedules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from pytest_django import Settings

from scheduling.backend import backend
from scheduling.timing import Cron
from tests.conftest import a_schedule


def a_row(name: str, *, enabled: bool = True, **fields: Any) -> None:
    clock = CrontabSchedule.objects.create(**{"minute": "30", "hour": "4", "timezone": "Europe/Berlin", **fields})
    PeriodicTask.objects.create(name=name, task="shop.tasks.clean", crontab=clock, enabled=enabled)


def test_periodic_tasks_of_others_are_told_in_words(viewer: Client) -> None:
    a_schedule(name="ours")
    a_row("theirs")
    a_row("asleep", enabled=False)
    every = IntervalSchedule.objects.create(every=2, period="hours")
    PeriodicTask.objects.create(name="often", task="shop.tasks.poll", interval=every)
    page = viewer.get("/schedules/").content.decode()
    assert "Not Tandem&#x27;s" in page or "Not Tandem's" in page
    assert "At 04:30" in page
    assert "Every 2 hours" in page
    assert "Disabled" in page
    assert "tandem:" not in page
    assert "theirs" not in viewer.get("/schedules/?q=ours").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "cron"),
    [
        ({}, "30 4 * * *"),
        ({"day_of_week": "1-5"}, "30 4 * * 1-5"),
        ({"minute": "0, 30"}, "0,30 4 * * *"),
        # Celery takes both days together, cron either.
        ({"day_of_week": "1", "day_of_month": "13"}, None),
    ],
)
def test_words_are_given_only_where_they_are_true(fields: dict[str, Any], cron: str | None) -> None:
    a_row("theirs", **fields)
    (found,) = backend("beat").foreign(most=5)
    assert found.trigger == (Cron.parse(cron, "Europe/Berlin") if cron else None)


def test_lines_of_this_machines_crontab_are_told_and_can_be_adopted(
    operator: Client, settings: Settings, tmp_path: Path
) -> None:
    table = tmp_path / "crontab"
    table.write_text("# mine\nMAILTO=ops\n0 3 * * * /usr/bin/backup <all>\n61 * * * * broken\n")
    settings.TANDEM_CRONTAB = f"file:{table}"
    page = operator.get("/schedules/").content.decode()
    assert "At 03:00" in page
    assert "/usr/bin/backup &lt;all&gt;" in page
    assert "broken" not in page
    assert "Adopt" in page


@pytest.mark.django_db
def test_so_many_are_shown_and_no_more() -> None:
    for number in range(4):
        a_row(f"theirs {number}")
    assert [each.name for each in backend("beat").foreign(most=2)] == ["theirs 0", "theirs 1"]
