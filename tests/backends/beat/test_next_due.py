"""What beat asks at each tick: the first time of each kind, and of nothing that is another's to dispatch."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from backends.beat import next_due
from scheduling.lifecycle import Status
from scheduling.models import Schedule
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.process_rows import a_process

pytestmark = pytest.mark.django_db


def test_where_nothing_waits_there_is_no_time() -> None:
    found = next_due.look()
    assert (found.schedule_due, found.task_due) == (None, None)
    assert abs(found.now - timezone.now()) < timedelta(minutes=1)


def test_the_first_of_the_schedules_and_of_the_waiting_tasks_is_told_whichever_was_made_first() -> None:
    now = timezone.now()
    _, sooner = (a_schedule(every=every, now=now) for every in (7200, 3600))
    for hours in (3, 2):
        a_task(sooner, status=Status.SCHEDULED, wait_until=now + timedelta(hours=hours), send_at=None)
    found = next_due.look()
    assert (found.schedule_due, found.task_due) == (sooner.next_due_at, now + timedelta(hours=2))


def test_a_schedule_of_a_crontab_and_one_of_a_newer_beat_do_not_wake_it() -> None:
    a_schedule(backend="crontab")
    newer = a_schedule()
    Schedule.objects.filter(pk=newer.pk).update(tzdata="9999a")
    beat = a_process("beat", tzdata="9999a")
    assert next_due.look().schedule_due is None
    beat.delete()
    assert next_due.look().schedule_due == newer.next_due_at
