"""Counts of what has ended: the same as a scan, each end once, also over a crash, and bounded."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from scheduling import ledger, statistics
from scheduling.errors import InvalidRequest
from scheduling.events import log
from scheduling.lateness import bucket_of
from scheduling.lifecycle import FINISHED, Status
from scheduling.models import Statistic, StatisticsPosition, Task, TaskAttempt, TaskEvent
from scheduling.statistics import Counts
from scheduling.upkeep import retention, sweep
from tests.conftest import at

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:30")
JOBS, QUEUES = ("a.job", "b.job"), ("", "reports")


class Crash(Exception):
    """The process dies."""


def one(chance: random.Random, moment: datetime) -> None:
    """A task with some history that ends in some way, or not at all."""
    occurrence = chance.random() < 0.6
    due_at = moment - timedelta(seconds=chance.choice([0, 0.02, 3, 400, 5000])) if occurrence else None
    [task] = ledger.record(
        [
            Task(
                name="t", job=chance.choice(JOBS), queue=chance.choice(QUEUES), executor="worker", woken_by="beat",
                status=chance.choice([Status.QUEUED] * 5 + [Status.SKIPPED, Status.MISSED]) if occurrence else "QUEUED",
                schedule_id=chance.randint(1, 3) * 10_000 if occurrence else None, due_at=due_at, send_at=moment,
                finished_at=moment,
            )
        ],
        moment,
    )  # fmt: skip
    for attempt in range(1, chance.randint(1, 3)):
        moment += timedelta(seconds=chance.choice([0.001, 0.2, 7, 4000]))
        end(chance, task, attempt, moment)


def end(chance: random.Random, task: Task, attempt: int, moment: datetime) -> None:
    claimed = ledger.claim(task.pk, attempt, worker="w", now=moment)
    moment += timedelta(seconds=chance.choice([0.005, 0.7, 12, 9000]))
    if claimed is None:
        ledger.cancel(task.pk, reason="no", now=moment)
        return
    way = chance.randint(0, 3)
    if way == 0:
        ledger.complete(claimed, result=None, now=moment)
    elif way == 1:
        ledger.fail(claimed, error="x", now=moment)
        claimed.refresh_from_db()
        ledger.retry(claimed, now=moment)
    elif way == 2:
        ledger.cancel(task.pk, reason="no", now=moment)


def scanned() -> dict[tuple[str, str, datetime], Counts]:
    """The same from the rows of the ledger, one by one."""
    found: dict[tuple[str, str, datetime], Counts] = {}
    for event in TaskEvent.objects.filter(status__in=FINISHED).select_related("task"):
        task, hour = event.task, event.at.replace(minute=0, second=0, microsecond=0)
        tried = [
            each for each in TaskAttempt.objects.filter(task=task).order_by("number") if each.started_at <= event.at
        ]
        keys = [("job", task.job, hour), ("queue", task.queue, hour)]
        keys += [("schedule", str(task.schedule_id), hour)] if task.schedule_id else []
        for key in keys:
            counts = found.setdefault(key, Counts())
            counts.outcomes[event.status] += 1
            if tried and event.status in {"COMPLETED", "FAILED"}:
                counts.durations[bucket_of((event.at - tried[-1].started_at).total_seconds())] += 1
                if len(tried) == 1 and task.schedule_id and task.due_at:
                    counts.lateness[bucket_of((tried[-1].started_at - task.due_at).total_seconds())] += 1
    return found


def plain(counts: Counts) -> tuple[Any, ...]:
    return tuple(+Counter(part) for part in (counts.outcomes, counts.durations, counts.lateness))


def stored() -> dict[tuple[str, str, datetime], tuple[Any, ...]]:
    found = {}
    for row in Statistic.objects.all():
        counts = Counts()
        counts.add(row)
        found[row.by, row.name, row.hour] = plain(counts)
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_counts_are_those_of_a_scan_over_a_crash(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)  # noqa: S311 - the number protects nothing
    monkeypatch.setattr(log, "BATCH", 17)
    statistics.count(now=NOW)
    dies = 3

    def save(position: StatisticsPosition) -> None:
        nonlocal dies
        dies -= 1
        if dies >= 0:
            raise Crash
        super(StatisticsPosition, position).save()

    monkeypatch.setattr(StatisticsPosition, "save", save)
    for number in range(60):
        one(chance, NOW + timedelta(minutes=number * 4))
        if number % 20 == 19 and dies > 0:
            with pytest.raises(Crash):
                statistics.count(now=NOW)
            assert stored() == {}
    for _ in range(3):
        statistics.count(now=NOW)
    expected = {key: plain(counts) for key, counts in scanned().items()}
    assert len(expected) > 20
    assert stored() == expected


def test_what_is_counted_stays_when_the_tasks_are_gone() -> None:
    statistics.count(now=NOW)
    for number in range(20):
        one(random.Random(number), NOW + timedelta(minutes=number))  # noqa: S311 - the number protects nothing
    statistics.count(now=NOW)
    before = stored()
    Task.objects.all().delete()
    statistics.count(now=NOW)
    assert stored() == before != {}


def test_counting_begins_with_the_first_round() -> None:
    one(random.Random(5), NOW)  # noqa: S311 - as above
    assert statistics.count(now=NOW) == 0
    assert (StatisticsPosition.objects.get().high, stored()) == (TaskEvent.objects.latest("pk").pk, {})


def test_upkeep_counts() -> None:
    assert statistics.count in sweep.STEPS
    sweep.sweep(now=NOW)
    assert StatisticsPosition.objects.count() == 1


def a_row(by: str = "job", name: str = "a", hours: int = 0) -> Statistic:
    hour = NOW.replace(minute=0) - timedelta(hours=hours)
    return Statistic.objects.create(by=by, name=name, hour=hour, outcomes={"FAILED": 1}, durations=[2], lateness=[])


def test_groups_add_up_over_hours() -> None:
    for hours, name in ((0, "a"), (1, "a"), (1, "b"), (5, "a")):
        a_row(name=name, hours=hours)
    a_row(by="queue")
    since = NOW - timedelta(hours=2)
    assert {name: counts.outcomes["FAILED"] for name, counts in statistics.found("job", since, NOW).items()} == {
        "a": 2,
        "b": 1,
    }
    by_hour = statistics.found("hour", since, NOW)
    assert {name: counts.durations[0] for name, counts in by_hour.items()} == {
        "2026-11-20T09:00:00Z": 4,
        "2026-11-20T10:00:00Z": 2,
    }
    assert list(statistics.found("job", since, NOW, name="b")) == ["b"]


def test_a_question_reads_a_bounded_number_of_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MOST_ROWS", 1)
    for name in "ab":
        a_row(name=name)
    with pytest.raises(InvalidRequest):
        statistics.found("job", NOW - timedelta(days=1), NOW)


def test_old_rows_go_and_of_schedules_all_but_the_newest(settings: Settings) -> None:
    settings.TANDEM_KEEP_DAYS, settings.TANDEM_KEEP_TASKS = 1, 2
    for hours in (0, 1, 2, 3, 30):
        a_row(hours=hours)
        a_row(by="schedule", hours=hours)
    retention.prune(now=NOW)
    left = Counter(Statistic.objects.values_list("by", flat=True))
    assert left == {"job": 4, "schedule": 2}
