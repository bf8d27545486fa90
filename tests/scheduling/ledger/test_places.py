"""Places under limits: never more than there are, in turn, and none is lost."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from scheduling import delivery, ledger, limits_in_force
from scheduling.ledger import places
from scheduling.lifecycle import Status
from scheduling.models import Task, TaskLimit
from scheduling.task_limits import Limit
from scheduling.upkeep import retention
from scheduling.upkeep.sweep import sweep
from tests.conftest import at
from tests.recording import RecordingExecutor

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")
JOB = "demo.process_data"
ONE = {f"job:{JOB}": {"concurrency": 1}}


def queued(count: int = 1, **fields: Any) -> list[Task]:
    """Queued tasks of the job, which were handed over."""
    about = {"name": "t", "job": JOB, "woken_by": "request", "executor": "worker", "status": "QUEUED", **fields}
    return ledger.record([Task(sends=1, send_at=NOW + timedelta(minutes=1), **about) for _ in range(count)], NOW)


def begins(task: Task, *, now: Any = NOW) -> bool:
    """Whether a worker that takes the task's message may begin."""
    return ledger.claim(task.pk, task.attempt, worker="me", now=now) is not None


def end(task: Task) -> list[int]:
    """End the task, and give its places away. Returns who got them."""
    task.refresh_from_db()
    ledger.complete(task, result=None, now=NOW)
    limits = limits_in_force.of(task, in_process=bool(task.host))
    return [one.pk for one in ledger.give_places(limits, now=NOW)]


def test_without_limits_a_claim_and_an_end_ask_for_none() -> None:
    [task] = queued()
    with CaptureQueriesContext(connection) as captured:
        assert begins(task)
        assert end(task) == []
    assert not any("tasklimit" in each["sql"] for each in captured.captured_queries)
    assert list(ledger.places_of(task.pk)) == []


def test_a_task_that_no_limit_concerns_costs_nothing_more(settings: Settings) -> None:
    tasks = queued(2, queue="fast", limit_key="")

    def statements(task: Task) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert begins(task)
        return len(captured)

    before = statements(tasks[0])
    settings.TANDEM_TASK_LIMITS = {
        "job:other.job": {"concurrency": 1}, "queue:slow": {"concurrency": 1}, "key:*": {"rate": "1/d"},
    }  # fmt: skip
    assert statements(tasks[1]) == before


@pytest.mark.parametrize(
    ("limits", "fields"),
    [
        (ONE, {}),
        ({"queue:slow": {"concurrency": 1}}, {"queue": "slow"}),
        ({"queue:tandem": {"concurrency": 1}}, {"queue": ""}),
        ({"key:warehouse": {"concurrency": 1}}, {"limit_key": "warehouse"}),
        ({"key:*": {"concurrency": 1}}, {"limit_key": "warehouse"}),
        (ONE, {"executor": "inline", "host": "testhost"}),
    ],
)
def test_one_at_once_and_the_next_when_it_ends(
    limits: dict[str, Any], fields: dict[str, Any], settings: Settings
) -> None:
    settings.TANDEM_TASK_LIMITS = limits
    first, second, third = queued(3, **fields)
    assert begins(first)
    assert not begins(second)
    assert not begins(third)
    second.refresh_from_db()
    [target] = limits if "key:*" not in limits else ["key:warehouse"]
    waits = (second.status, second.waits_for_limit, second.send_at, second.sends)
    assert waits == (Status.QUEUED, target, None, 0)
    assert end(first) == [second.pk]
    assert begins(second)
    assert not begins(third)
    assert end(second) == [third.pk]
    assert begins(third)
    third.refresh_from_db()
    assert (third.waits_for_limit, third.place_until) == (None, None)


def test_only_the_places_that_are_asked_for_are_given(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {"key:*": {"concurrency": 1}}
    running, waits = queued(2, limit_key="a")
    others = queued(2, limit_key="b")
    assert [begins(task) for task in (running, waits, *others)] == [True, False, True, False]
    for task in (running, others[0]):
        task.refresh_from_db()
        ledger.complete(task, result=None, now=NOW)
    assert [one.pk for one in ledger.give_places(["key:a"], now=NOW)] == [waits.pk]


def test_the_most_urgent_goes_first_then_the_oldest(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = ONE
    [running] = queued()
    old, young = queued(2)
    [urgent] = queued(priority=9)
    assert [begins(task) for task in (running, young, old, urgent)] == [True, False, False, False]
    order = [running, urgent, old, young]
    for ended, following in pairwise(order):
        assert end(ended) == [following.pk]
        assert begins(following)
    assert end(young) == []


def test_a_new_task_does_not_take_the_place_that_is_kept_for_an_older_one(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = ONE
    running, waits, late = queued(3)
    assert [begins(task) for task in (running, waits)] == [True, False]
    assert end(running) == [waits.pk]
    assert not begins(late)
    # No worker takes it for so long: somebody else may have the place.
    later = NOW + places.KEPT
    assert [one.pk for one in ledger.give_places(ledger.waited_for(), now=later)] == [late.pk]
    assert begins(late, now=later)
    assert not begins(waits, now=later)


def test_nobody_overtakes_what_waits_while_a_place_is_free(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = ONE
    running, waits, late = queued(3)
    assert [begins(task) for task in (running, waits)] == [True, False]
    running.refresh_from_db()
    # As by a process that dies between the end and what follows.
    ledger.complete(running, result=None, now=NOW)
    assert not begins(late)
    assert ledger.places_of(late.pk) == {f"job:{JOB}": Limit(1)}
    assert [one.pk for one in ledger.give_places(ledger.places_of(late.pk), now=NOW)] == [waits.pk]


def test_upkeep_gives_the_places_of_a_process_that_died(settings: Settings, recorded: RecordingExecutor) -> None:
    settings.TANDEM_TASK_LIMITS = ONE
    lost, waits = queued(2)
    assert [begins(task) for task in (lost, waits)] == [True, False]
    lost.refresh_from_db()
    ledger.lose(lost, error="gone", now=NOW)
    sweep(now=NOW)
    assert recorded.submitted == [(waits.pk, 1)]
    waits.refresh_from_db()
    assert waits.sends == 1
    assert begins(waits)


def test_what_is_sent_while_a_worker_finds_it_over_the_limit_goes_on_waiting(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = ONE
    running, waits = queued(2)
    assert [begins(task) for task in (running, waits)] == [True, False]
    ledger.sent([waits], now=NOW)
    waits.refresh_from_db()
    assert (waits.send_at, waits.sends) == (None, 0)


def test_a_rate_lets_so_many_start_and_wakes_for_the_next(settings: Settings, recorded: RecordingExecutor) -> None:
    settings.TANDEM_TASK_LIMITS = {f"job:{JOB}": {"rate": "2/m"}}
    tasks = queued(5)
    assert [begins(task) for task in tasks] == [True, True, False, False, False]
    half = timedelta(seconds=30)
    looked_at = Task.objects.filter(wait_until__isnull=False)
    assert list(looked_at.values_list("pk", "wait_until")) == [(tasks[2].pk, NOW + half)]
    assert delivery.queue_due(now=NOW + half - timedelta(seconds=1)) == 0
    delivery.queue_due(now=NOW + half)
    assert recorded.submitted == [(tasks[2].pk, 1)]
    assert begins(tasks[2], now=NOW + half)
    # After a pause of any length: both that the bucket holds.
    delivery.queue_due(now=NOW + 9 * half)
    assert recorded.submitted[1:] == [(tasks[3].pk, 1), (tasks[4].pk, 1)]
    assert all(begins(task, now=NOW + 9 * half) for task in tasks[3:])
    assert not looked_at.exists()


def test_what_may_start_by_now_starts_on_a_message_that_comes_before_the_tick(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {f"job:{JOB}": {"rate": "1/m"}}
    started, waits = queued(2)
    assert [begins(task) for task in (started, waits)] == [True, False]
    assert begins(waits, now=NOW + timedelta(minutes=1))
    waits.refresh_from_db()
    assert (waits.waits_for_limit, waits.place_until, waits.wait_until) == (None, None, None)


def test_the_tick_does_not_look_at_what_another_limit_holds_up(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {f"job:{JOB}": {"rate": "1/m", "concurrency": 1}}
    running, waits = queued(2)
    assert [begins(task) for task in (running, waits)] == [True, False]
    later = NOW + timedelta(minutes=1)
    assert delivery.queue_due(now=later) == 0
    waits.refresh_from_db()
    assert (waits.wait_until, waits.place_until) == (None, None)
    running.refresh_from_db()
    ledger.complete(running, result=None, now=later)
    assert [one.pk for one in ledger.give_places([f"job:{JOB}"], now=later)] == [waits.pk]


def test_a_task_of_two_limits_needs_a_place_under_both(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = ONE | {"key:a": {"concurrency": 1}}
    [other] = queued(job="demo.fail", limit_key="a")
    both, of_job = queued(limit_key="a")[0], queued()[0]
    assert begins(other)
    assert not begins(both)
    both.refresh_from_db()
    assert both.waits_for_limit == "key:a"
    # It waits for the key and keeps nobody from the job's place.
    assert begins(of_job)
    assert end(other) == [both.pk]
    assert not begins(both)
    both.refresh_from_db()
    assert both.waits_for_limit == f"job:{JOB}"
    assert end(of_job) == [both.pk]
    assert begins(both)


def test_a_lower_limit_holds_at_once_and_a_limit_that_is_gone_holds_nobody_up(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {f"job:{JOB}": {"concurrency": 3}}
    tasks = queued(5)
    assert [begins(task) for task in tasks] == [True, True, True, False, False]
    settings.TANDEM_TASK_LIMITS = ONE
    assert not begins(tasks[4])
    assert end(tasks[0]) == []
    assert end(tasks[1]) == []
    assert end(tasks[2]) == [tasks[3].pk]
    assert begins(tasks[3])
    settings.TANDEM_TASK_LIMITS = {}
    # A message that is left over; else upkeep gives it a place when the row of the limit says so.
    assert begins(tasks[4])


def test_what_waits_can_be_cancelled_and_retried(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {f"job:{JOB}": {"concurrency": 1, "rate": "2/d"}}
    running, one, two = queued(3)
    assert [begins(task) for task in (running, one, two)] == [True, False, False]
    ledger.cancel(one.pk, reason="no", now=NOW)
    ledger.cancel_unclaimed([two.pk], reason="no", now=NOW)
    assert ledger.waited_for() == []
    assert not Task.objects.filter(wait_until__isnull=False).exists()
    one.refresh_from_db()
    assert ledger.retry(one, now=NOW)
    assert not begins(one)
    assert end(running) == [one.pk]
    assert begins(one)


def test_rows_of_limits_that_nothing_waits_for_are_deleted(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {"key:*": {"concurrency": 1}, f"job:{JOB}": {"rate": "9/d"}}
    [idle] = queued(limit_key="idle")
    held, waits = queued(2, limit_key="held")
    assert [begins(task) for task in (idle, held, waits)] == [True, True, False]
    end(idle)
    retention.prune(now=NOW)
    assert set(TaskLimit.objects.values_list("pk", flat=True)) == {f"job:{JOB}", "key:held"}
    retention.prune(now=NOW + timedelta(days=1))
    assert set(TaskLimit.objects.values_list("pk", flat=True)) == {"key:held"}
