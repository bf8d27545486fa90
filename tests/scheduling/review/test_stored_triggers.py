"""How many schedules are due in a minute, against each schedule's own occurrences."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling import keys
from scheduling.models import Schedule
from scheduling.review import stored_triggers
from scheduling.review.stored_triggers import StoredTriggers
from scheduling.timing import Cron
from tests.conftest import a_schedule, at

NOW = at("2026-11-20 10:00")
EXPRESSIONS = (
    "* * * * *",
    "*/7 * * * *",
    "30 2 * * *",
    "0 3 * * *",
    "0 0 13 * 5",
    "15 1-4 * * *",
    "59 23 31 12 *",
    "0 9 29 2 *",
)
ZONES = ("UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns")
# Clock changes in each of these zones, and an ordinary day.
AROUND = (
    "2027-03-28 00:00",
    "2027-10-31 00:00",
    "2027-04-03 14:00",
    "2027-10-02 15:00",
    "2027-03-14 05:00",
    "2026-12-31 18:00",
)


def schedules_of(triggers: list[dict[str, Any]]) -> None:
    """A schedule for each trigger, stored at once."""
    first = a_schedule(cron="0 0 1 1 *", now=NOW)
    fields = {one.attname: getattr(first, one.attname) for one in Schedule._meta.concrete_fields if one.name != "id"}
    Schedule.objects.bulk_create(Schedule(**{**fields, "key": keys.unnamed(), **trigger}) for trigger in triggers)
    first.delete()


def is_due(schedule: Schedule, minute: datetime) -> bool:
    before = minute - timedelta(microseconds=1)
    return next(schedule.trigger.occurrences(before, minute + timedelta(seconds=59)), None) is not None


@pytest.mark.django_db
def test_each_minute_counts_the_schedules_that_are_due_in_it() -> None:
    crons = [{"cron": cron, "timezone": zone} for cron in EXPRESSIONS for zone in ZONES]
    anchors = [NOW, NOW.replace(second=31), at("2027-03-28 01:00")]
    intervals = [
        {"cron": "", "every": seconds, "anchor": anchor} for seconds in (1, 45, 420, 86_400) for anchor in anchors
    ]
    schedules_of([*crons, *intervals])
    chosen = random.Random(11)  # noqa: S311  the minutes of a test, no secret
    minutes = [at(text) + timedelta(minutes=chosen.randrange(180)) for text in AROUND for _ in range(20)]
    stored = list(Schedule.objects.all())
    assert StoredTriggers().due_in(minutes) == [sum(is_due(one, minute) for one in stored) for minute in minutes]


@pytest.mark.django_db
def test_few_schedules_are_counted_at_each_question() -> None:
    stored = StoredTriggers()
    schedules_of([{"cron": "0 3 * * *"}] * 3)
    assert stored.due_in([at("2026-11-21 03:00")]) == [3]
    schedules_of([{"cron": "0 3 * * *"}, {"cron": "5 3 * * *"}])
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert stored.due_in([at("2026-11-21 03:00"), at("2026-11-21 03:05")]) == [4, 1]
    assert len(asked) == 2


@pytest.mark.django_db
def test_many_schedules_are_counted_once_in_a_while_and_only_those_of_the_minute_are_searched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    passed = [1000.0]
    monkeypatch.setattr(stored_triggers, "monotonic", lambda: passed[0])
    searched: list[str] = []
    fires_at = Cron.fires_at

    def counted(cron: Cron, minute: int) -> bool:
        searched.append(cron.expression)
        return fires_at(cron, minute)

    monkeypatch.setattr(Cron, "fires_at", counted)
    schedules_of([{"cron": f"{minute} {hour} * * *"} for minute in range(60) for hour in range(24)])
    stored = StoredTriggers()
    assert stored.due_in([at("2026-11-21 03:07")]) == [1]
    assert searched == ["7 3 * * *"]
    schedules_of([{"cron": "7 3 * * *"}])
    with CaptureQueriesContext(connection) as asked:
        assert stored.due_in([at("2026-11-21 03:07")]) == [1]
        passed[0] += 9.9
        assert stored.due_in([at("2026-11-21 03:07")]) == [1]
    assert len(asked) == 0
    passed[0] += 0.1
    assert stored.due_in([at("2026-11-21 03:07")]) == [2]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("step", "number"), [(timedelta(minutes=5), 288), (timedelta(hours=1), 24 * 8), (timedelta(hours=1), 24 * 31)]
)
def test_each_step_counts_what_is_due_in_it(step: timedelta, number: int) -> None:
    """As many as there are when they are listed: the clock change of 25 October is in the longer windows."""
    now = at("2026-10-20 09:00")
    triggers: list[dict[str, Any]] = [
        {"cron": "*/7 2 * * *", "timezone": "Europe/Berlin"}, {"cron": "30 2 25 * *", "timezone": "Europe/Berlin"},
        {"cron": "0 9 * * 1-5"}, {"cron": "0 9 * * 1-5"}, {"every": 7200, "starts_at": at("2026-10-20 10:30")},
    ]  # fmt: skip
    made = [a_schedule(now=now - timedelta(hours=1), **trigger) for trigger in triggers]
    end = now + number * step
    listed = [due for schedule in made for due in schedule.trigger.occurrences(now - timedelta(seconds=1), end)]
    expected = [0] * number
    for due in listed:
        if now <= due < end:
            expected[(due - now) // step] += 1
    assert StoredTriggers().due_by_step(now, step=step, number=number) == expected


@pytest.mark.django_db
def test_what_runs_more_often_than_the_step_is_spread_evenly() -> None:
    now = at("2026-11-20 10:00")
    for _ in range(3):
        a_schedule(now=now, every=90)
    assert StoredTriggers().due_by_step(now, step=timedelta(hours=1), number=2) == [120, 120]
