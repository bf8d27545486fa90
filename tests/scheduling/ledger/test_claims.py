"""Which tasks take a place under a limit, and which wait for one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from scheduling import ledger, registry
from scheduling.job_context import JobContext
from scheduling.ledger import places
from scheduling.lifecycle import Status
from scheduling.models import Task, TaskLimit
from scheduling.task_limits import Limit
from tests.scheduling.ledger.test_places import JOB, NOW, ONE, begins, end, queued

pytestmark = pytest.mark.django_db


def test_tasks_in_a_process_of_their_host_have_no_queue(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {"queue:slow": {"concurrency": 1}, "queue:tandem": {"concurrency": 1}}
    for queue in ("slow", ""):
        assert all(begins(task) for task in queued(2, queue=queue, executor="inline", host="testhost"))
    # Nor do they take a place from those that have one.
    assert [begins(task) for task in queued(2, queue="slow")] == [True, False]


def test_what_runs_in_another_queue_takes_no_place(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {"queue:slow": {"concurrency": 1}, "queue:tandem": {"concurrency": 1}}
    for queue in ("fast", "slow", ""):
        assert begins(queued(queue=queue)[0]), queue


def test_keys_are_limited_each_on_its_own_and_one_may_have_its_own_limit(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {"key:*": {"concurrency": 1}, "key:large": {"concurrency": 2}}
    begun = {key: [begins(task) for task in queued(3, limit_key=key)] for key in ("a", "b", "large", "")}
    assert begun == {
        "a": [True, False, False], "b": [True, False, False], "large": [True, True, False], "": [True, True, True],
    }  # fmt: skip


def test_a_job_may_say_its_limit_and_the_setting_says_another(settings: Settings) -> None:
    @registry.job("test.limited", limit=Limit(concurrency=1))
    def limited(context: JobContext) -> None:
        """Run alone."""

    try:
        assert [begins(task) for task in queued(2, job="test.limited")] == [True, False]
        settings.TANDEM_TASK_LIMITS = {"job:test.limited": {"concurrency": 2}}
        assert [begins(task) for task in queued(2, job="test.limited", priority=9)] == [True, False]
    finally:
        registry._jobs.pop("test.limited")


def test_a_burst_says_how_many_start_at_once(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {f"job:{JOB}": {"rate": "9/m", "burst": 2}}
    assert [begins(task) for task in queued(3)] == [True, True, False]


def test_a_message_of_an_attempt_that_is_over_changes_nothing(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = ONE
    running, other, ended = queued(3)
    ledger.cancel(ended.pk, reason="no", now=NOW)
    assert not begins(ended)
    assert not TaskLimit.objects.exists()
    assert begins(running)
    before = Task.objects.filter(pk=other.pk).values().get()
    assert ledger.claim(other.pk, other.attempt + 1, worker="me", now=NOW) is None
    assert Task.objects.filter(pk=other.pk).values().get() == before
    assert list(ledger.places_of(other.pk)) == []


def test_what_has_run_without_the_database_is_told_whatever_the_limit(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = ONE
    first, second = queued(2)
    assert [begins(task) for task in (first, second)] == [True, False]
    assert list(ledger.places_of(first.pk)) == []
    assert ledger.claim(second.pk, 1, worker="me", now=NOW, has_run=True) is not None
    # It runs, and waits for no place any more.
    assert (ledger.waited_for(), list(ledger.places_of(second.pk))) == ([], [])
    places.forget_unused_limits(now=NOW)
    assert not TaskLimit.objects.exists()


@pytest.mark.parametrize(("pause", "starts"), [(places.KEPT - timedelta(seconds=1), True), (places.KEPT, False)])
def test_what_is_more_urgent_gets_a_kept_place_only_once_it_is_kept_no_more(
    pause: timedelta, starts: bool, settings: Settings
) -> None:
    settings.TANDEM_TASK_LIMITS = ONE
    running, waits = queued(2)
    assert [begins(task) for task in (running, waits)] == [True, False]
    assert end(running) == [waits.pk]
    [urgent] = queued(priority=9)
    assert not begins(urgent)
    assert begins(waits, now=NOW + pause) == starts


def test_what_is_older_does_not_overtake_what_is_more_urgent_while_a_place_is_free(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = ONE
    running, old = queued(2)
    [urgent] = queued(priority=9)
    assert [begins(task) for task in (running, urgent)] == [True, False]
    running.refresh_from_db()
    # As by a process that dies between the end and what follows.
    ledger.complete(running, result=None, now=NOW)
    assert not begins(old)


def test_a_place_that_is_kept_for_what_was_cancelled_is_free(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = ONE
    running, waits, late = queued(3)
    assert [begins(task) for task in (running, waits)] == [True, False]
    assert end(running) == [waits.pk]
    ledger.cancel(waits.pk, reason="no", now=NOW)
    assert begins(late)


def test_a_place_that_is_kept_under_another_limit_takes_none(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {"key:*": {"concurrency": 1}}
    running, waits = queued(2, limit_key="a")
    assert [begins(task) for task in (running, waits)] == [True, False]
    assert end(running) == [waits.pk]
    assert begins(queued(limit_key="b")[0])


def test_what_begins_to_wait_for_another_limit_waits_for_no_time_any_more(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {f"job:{JOB}": {"rate": "1/m"}, "key:a": {"concurrency": 1}}
    started, of_key = queued()[0], queued(job="demo.fail", limit_key="a")[0]
    [waits] = queued(limit_key="a")
    [later] = queued(status=Status.SCHEDULED, wait_until=NOW)
    assert [begins(task) for task in (started, of_key, waits)] == [True, True, False]
    waits.refresh_from_db()
    minute = NOW + timedelta(minutes=1)
    assert (waits.waits_for_limit, waits.wait_until) == (f"job:{JOB}", minute)
    assert not begins(waits, now=minute)
    waits.refresh_from_db()
    assert (waits.waits_for_limit, waits.wait_until) == ("key:a", None)
    later.refresh_from_db()
    assert later.wait_until == NOW


def test_a_place_is_kept_and_the_task_is_handed_over(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {f"job:{JOB}": {"rate": "1/m"}}
    assert [begins(task) for task in queued(2)] == [True, False]
    minute = NOW + timedelta(minutes=1)
    [given] = ledger.give_places([f"job:{JOB}"], now=minute)
    for task in (given, Task.objects.get(pk=given.pk)):
        kept_until, sent = minute + places.KEPT, minute + ledger.UNCLAIMED_AFTER
        assert (task.place_until, task.send_at, task.sends, task.wait_until) == (kept_until, sent, 0, None)


def test_what_has_run_without_the_database_takes_one_place_and_not_the_kept_one_as_well(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {f"job:{JOB}": {"concurrency": 2}}
    one, two, told, late = queued(4)
    assert [begins(task) for task in (one, two, told)] == [True, True, False]
    assert end(one) == [told.pk]
    assert ledger.claim(told.pk, 1, worker="me", now=NOW, has_run=True) is not None
    assert end(two) == []
    assert begins(late)
