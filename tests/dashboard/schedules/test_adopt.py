"""The page that makes a schedule of a PeriodicTask: shown first, done when confirmed."""

from __future__ import annotations

import re

from django.test import Client
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from scheduling.models import Schedule


def a_row(task: str = "demo.process_data") -> PeriodicTask:
    clock = CrontabSchedule.objects.create(minute="30", hour="4", timezone="Europe/Berlin")
    row: PeriodicTask = PeriodicTask.objects.create(name="Shop: carts", task=task, crontab=clock)
    return row


def test_it_is_shown_and_then_done(operator: Client) -> None:
    row = a_row()
    address = f"/schedules/adopt/beat/{row.pk}/"
    assert f'href="{address}"' in operator.get("/schedules/").content.decode()
    page = operator.get(address).content.decode()
    assert "At 04:30" in page
    assert not Schedule.objects.exists()
    stale = operator.post(address, {"mark": "another"})
    assert (stale.status_code, Schedule.objects.count()) == (409, 0)
    (mark,) = re.findall(r'name="mark" value="([^"]+)"', page)
    answer = operator.post(address, {"mark": mark})
    made = Schedule.objects.get()
    assert answer.headers["Location"] == f"/schedules/{made.pk}/"
    row.refresh_from_db()
    assert not row.enabled


def test_why_it_cannot_is_said(operator: Client) -> None:
    row = a_row("shop.tasks.drop")
    page = operator.get(f"/schedules/adopt/beat/{row.pk}/").content.decode()
    assert "It cannot become a schedule." in page
    assert "No job runs shop.tasks.drop" in page
    assert operator.post(f"/schedules/adopt/beat/{row.pk}/").status_code == 409
    assert operator.get("/schedules/adopt/beat/999/").status_code == 404
    assert operator.get(f"/schedules/adopt/nothing/{row.pk}/").status_code == 404


def test_a_viewer_has_no_such_page(viewer: Client) -> None:
    row = a_row()
    assert "/schedules/adopt/" not in viewer.get("/schedules/").content.decode()
    assert viewer.get(f"/schedules/adopt/beat/{row.pk}/").status_code == 403
