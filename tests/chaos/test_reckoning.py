"""The reckoning of the drill finds each way in which runs and ledger may differ, and the seed decides the faults."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from scheduling import ledger
from scheduling.models import Task
from tests.backends.stored_tasks import a_task
from tests.chaos.databases import Sqlite
from tests.chaos.faults import Faults
from tests.chaos.reckoning import differences, early, lines_of, still_open
from tests.chaos.stack import Stack
from tests.conftest import a_schedule
from tests.live.broker_faults import broker_of

Text = Callable[[Task], str]


@pytest.fixture
def done(db: None) -> Task:
    """A task that ran once and completed."""
    schedule = a_schedule(every=86_400)
    schedule.job = "chaos.work"
    task = a_task(schedule, due_at=timezone.now())
    claimed = ledger.claim(task.pk, 1, worker="here", now=timezone.now())
    assert claimed is not None
    assert ledger.complete(claimed, result=1, now=timezone.now())
    return claimed


def run(task: Task, attempt: int = 1, at: datetime | None = None) -> str:
    moment = (at or timezone.now()).timestamp()
    return f"{task.pk} {attempt} begins {moment}\n{task.pk} {attempt} ends {moment}\n"


def test_what_ran_as_the_ledger_says_is_no_difference(done: Task) -> None:
    assert list(differences(lines_of(run(done)), [done.pk])) == []
    assert still_open(timezone.now()) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (lambda task: run(task) * 2, ["task {} attempt 1 begins 2 times", "task {} attempt 1 ends 2 times"]),
        (lambda task: "", ["task {} attempt 1 is COMPLETED and did not end"]),
        (
            lambda task: run(task) + run(task, 2),
            [f"task {{}} attempt 2 {what}, and the ledger has no such attempt" for what in ("begins", "ends")],
        ),
    ],
)
def test_each_run_is_one_attempt(done: Task, text: Text, expected: list[str]) -> None:
    assert list(differences(lines_of(text(done)), [])) == [line.format(done.pk) for line in expected]


def test_what_was_promised_is_in_the_ledger(done: Task) -> None:
    assert list(differences(lines_of(run(done)), [done.pk + 1])) == [
        f"task {done.pk + 1} was promised and is not in the ledger"
    ]


def test_nothing_is_tried_again_against_its_policy(done: Task) -> None:
    task = ledger.claim(a_task(a_schedule(every=86_400)).pk, 1, worker="here", now=timezone.now())
    assert task is not None
    assert still_open(timezone.now()) == 1
    ledger.schedule_retry(task, error="x", wait_until=timezone.now(), now=timezone.now())
    assert list(differences(lines_of(run(done)), [])) == [f"task {task.pk} was tried again, against its policy"]


def test_a_run_before_its_occurrence_is_told(done: Task) -> None:
    assert done.due_at is not None
    second = timedelta(seconds=1)
    assert early(lines_of(run(done, at=done.due_at - second)), tolerance=2 * second) == []
    assert early(lines_of(run(done, at=done.due_at - 3 * second)), tolerance=2 * second) == [
        f"task {done.pk} began 0:00:03 too early"
    ]


@pytest.mark.django_db
def test_a_run_that_a_retry_asked_for_may_begin_before_its_time() -> None:
    due_at = timezone.now() + timedelta(hours=1)
    task = a_task(a_schedule(every=86_400), due_at=due_at)
    before = run(task, at=due_at - timedelta(minutes=1))
    assert early(lines_of(before), tolerance=timedelta(0)) == [f"task {task.pk} began 0:01:00 too early"]
    assert ledger.cancel(task.pk, reason="changed my mind", now=timezone.now())
    task.refresh_from_db()
    assert ledger.retry(task, now=timezone.now())
    assert early(lines_of(before), tolerance=timedelta(0)) == []


def test_the_seed_decides_the_faults(tmp_path: Path) -> None:
    stack = Stack("sqlite://", "redis://", tmp_path, beats=5)
    faults = Faults(stack, broker_of("redis"), Sqlite(tmp_path), only="", without="clock,full")
    first, second, other = ([faults.choose(chance) for _ in range(50)] for chance in map(random.Random, (1, 1, 2)))
    assert [(each.name, each.seconds) for each in first] == [(each.name, each.seconds) for each in second]
    assert [each.name for each in first] != [each.name for each in other]
    assert not any("clock" in each.name or "full" in each.name for each in first)
