"""A wake-up that was lost is decided by whoever does the upkeep; the tasks of a lost host by the schedule's policy."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from scheduling import dispatch, host_states, ledger
from scheduling.hosts import OVERDUE_AFTER
from scheduling.lifecycle import Status
from scheduling.models import Host, Schedule, Task
from scheduling.upkeep import overdue, silent_hosts, takeover
from scheduling.upkeep.sweep import sweep
from scheduling.verification.examine import examine
from scheduling.verification.mismatch import Scope
from tests.backends.stored_tasks import statuses
from tests.conftest import a_schedule, at
from tests.process_rows import a_process
from tests.recording import RecordingExecutor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recorded")]

NOW = at("2026-11-20 10:00")
DUE = at("2026-11-20 10:05")
LATE = DUE + OVERDUE_AFTER


@pytest.fixture(autouse=True)
def lost(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The hosts that count as lost: a test adds to it."""
    names: set[str] = set()
    monkeypatch.setattr(silent_hosts, "look", lambda: set(names))
    return names


def a_host(name: str, *, silent_for: timedelta = timedelta(0)) -> Host:
    reported = timezone.now() - silent_for
    return Host.objects.create(name=name, crontab="file:/crontab", zone="UTC", heartbeat_at=reported)


def on_host(name: str, **wanted: object) -> Schedule:
    a_host(name)
    return a_schedule(now=NOW, backend="crontab", host=name, **wanted)


def test_a_lost_wake_up_is_decided_after_ninety_seconds_and_not_before() -> None:
    schedule = a_schedule(now=NOW, cron="5 10 20 11 *", backend="crontab")
    overdue.decide_overdue(now=LATE - timedelta(seconds=1))
    assert not Task.objects.exists()
    overdue.decide_overdue(now=LATE)
    task = Task.objects.get()
    assert (task.due_at, task.status, task.woken_by) == (DUE, Status.QUEUED, "upkeep")
    schedule.refresh_from_db()
    assert (schedule.overdue_at, schedule.woken_at) == (LATE, None)
    assert schedule.next_due_at == at("2027-11-20 10:05")
    assert dispatch.fire(schedule.pk, now=LATE, woken_by="crontab") == []


def test_where_nothing_is_overdue_that_is_one_statement(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    a_schedule(now=NOW, cron="5 10 20 11 *", backend="crontab")
    with django_assert_num_queries(1):
        overdue.decide_overdue(now=DUE)


def test_what_is_too_late_is_a_row_too() -> None:
    schedule = a_schedule(now=NOW, cron="5 10 20 11 *", backend="crontab", grace=timedelta(seconds=10))
    overdue.decide_overdue(now=LATE)
    assert statuses(schedule) == ["MISSED"]


def test_a_schedule_of_beat_is_left_to_beat() -> None:
    a_schedule(now=NOW)
    overdue.decide_overdue(now=LATE)
    assert not Task.objects.exists()


@pytest.mark.parametrize(("kind", "decided"), [("agent", []), ("beat", []), ("web", ["QUEUED"])])
def test_what_was_planned_with_newer_time_zone_data_is_left_to_a_planner_that_has_it(
    kind: str, decided: list[str]
) -> None:
    schedule = a_schedule(now=NOW, backend="crontab")
    Schedule.objects.update(tzdata="9999a")
    newer = a_process(kind, tzdata="9999a")
    overdue.decide_overdue(now=LATE)
    assert statuses(schedule) == decided
    newer.delete()
    overdue.decide_overdue(now=LATE)
    assert statuses(schedule) == ["QUEUED"]


def test_of_another_host_only_what_is_lost_is_decided(lost: set[str]) -> None:
    schedule = on_host("far")
    overdue.decide_overdue(now=LATE)
    assert statuses(schedule) == []
    lost.add("far")
    overdue.decide_overdue(now=LATE)
    assert statuses(schedule) == ["QUEUED"]


def test_a_wake_up_that_came_is_noted_without_a_statement_of_its_own(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    schedule = a_schedule(now=NOW, backend="crontab")
    dispatch.fire(schedule.pk, now=DUE, woken_by="crontab")
    schedule.refresh_from_db()
    assert (schedule.woken_at, schedule.overdue_at) == (DUE, None)
    before = Schedule.objects.filter(pk=schedule.pk).values().get()
    with django_assert_num_queries(3):
        dispatch.fire(schedule.pk, now=DUE, woken_by="crontab")
    assert Schedule.objects.filter(pk=schedule.pk).values().get() == before


def decided(lost: Iterable[str]) -> Task:
    """The task of the one schedule, decided by upkeep, after a look at what becomes of it."""
    overdue.decide_overdue(now=LATE)
    takeover.take_over(now=LATE)
    return Task.objects.get()


def test_by_default_a_task_waits_for_its_host_and_expires_by_its_grace(lost: set[str]) -> None:
    on_host("far", grace=timedelta(minutes=7))
    lost.add("far")
    task = decided(lost)
    assert (task.status, task.host, task.expires) == (Status.QUEUED, "far", LATE + timedelta(minutes=7))
    sweep(now=LATE + timedelta(minutes=7))
    task.refresh_from_db()
    assert task.status == Status.CANCELLED


def test_a_task_waits_as_long_as_it_would_be_caught_up(lost: set[str]) -> None:
    on_host("far", catch_up="latest", catch_up_window=timedelta(hours=2))
    lost.add("far")
    assert decided(lost).expires == DUE + timedelta(hours=2)


def test_a_worker_takes_it_over(lost: set[str], recorded: RecordingExecutor) -> None:
    on_host("far", on_host_lost="worker")
    lost.add("far")
    sweep(now=LATE)
    task = Task.objects.get()
    assert (task.executor, task.host, task.expires) == ("worker", "", None)
    assert recorded.submitted == [(task.pk, 1)]
    assert task.event_log.order_by("-number").values_list("status", "detail__reason").first() == (
        "QUEUED",
        "taken over from far, which is lost",
    )


def test_another_host_takes_it_over_as_soon_as_one_lives(lost: set[str]) -> None:
    on_host("far", on_host_lost="any_host")
    lost.add("far")
    a_process("agent", host="far")
    waits = decided(lost)
    assert (waits.host, waits.expires is not None) == ("far", True)
    a_process("agent", host="near")
    takeover.take_over(now=LATE)
    waits.refresh_from_db()
    assert (waits.executor, waits.host, waits.send_at, waits.expires) == ("inline", "near", LATE, None)


def test_one_living_host_takes_over_as_many_as_there_are(lost: set[str]) -> None:
    a_host("far")
    for _ in range(2):
        a_schedule(now=NOW, backend="crontab", host="far", on_host_lost="any_host")
    lost.add("far")
    a_process("agent", host="near")
    overdue.decide_overdue(now=LATE)
    Task.objects.update(sends=5)
    takeover.take_over(now=LATE)
    assert list(Task.objects.values_list("host", "sends")) == [("near", 0)] * 2


def test_what_its_host_was_just_told_of_and_what_is_ours_is_not_taken_over(lost: set[str]) -> None:
    ours, told = on_host(django_settings.TANDEM_HOST, on_host_lost="worker"), on_host("far", on_host_lost="worker")
    lost.update({"far", django_settings.TANDEM_HOST})
    overdue.decide_overdue(now=LATE)
    due = LATE + ledger.UNCLAIMED_AFTER
    Task.objects.filter(schedule=ours).update(send_at=LATE)
    Task.objects.filter(schedule=told).update(send_at=due)
    takeover.take_over(now=due - timedelta(seconds=1))
    assert set(Task.objects.values_list("host", flat=True)) == {"far", django_settings.TANDEM_HOST}
    takeover.take_over(now=due)
    assert set(Task.objects.values_list("host", flat=True)) == {"", django_settings.TANDEM_HOST}


def test_what_is_claimed_is_never_taken_over(lost: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The host comes back between the look and the takeover."""
    on_host("far", on_host_lost="worker")
    lost.add("far")
    overdue.decide_overdue(now=LATE)
    task = Task.objects.get()

    def claims() -> str:
        assert ledger.claim(task.pk, 1, worker="far", now=LATE)
        return "worker"

    monkeypatch.setattr(takeover, "_of_workers", claims)
    takeover.take_over(now=LATE)
    task.refresh_from_db()
    assert (task.status, task.executor, task.host) == (Status.RUNNING, "inline", "far")


def test_what_was_taken_over_is_claimed_once_whoever_comes(lost: set[str]) -> None:
    on_host("far", on_host_lost="worker")
    lost.add("far")
    task = decided(lost)
    assert ledger.claim(task.pk, 1, worker="far", now=LATE)
    assert ledger.claim(task.pk, 1, worker="a worker", now=LATE) is None


def test_the_ledger_stays_whole(lost: set[str]) -> None:
    now = timezone.now()
    for name, policy in (("one", "wait"), ("two", "worker"), ("three", "any_host")):
        a_host(name, silent_for=timedelta(minutes=30))
        lost.add(name)
        asked = {"every": 600, "catch_up": "latest", "on_host_lost": policy}
        a_schedule(now=now - timedelta(minutes=15), backend="crontab", host=name, **asked)
    a_process("agent", host="near")
    sweep(now=now)
    assert sorted(Task.objects.values_list("executor", "host", "status")) == [
        ("inline", "near", "QUEUED"),
        ("inline", "one", "QUEUED"),
        ("worker", "", "QUEUED"),
    ]
    assert list(examine(Scope(now=now + timedelta(minutes=1)))) == []
    waits = Task.objects.get(host="one")
    found = examine(Scope(now=now + timedelta(minutes=4)))
    assert waits.pk not in {each.id for each in found if each.kind == "task"}


def test_a_host_that_lives_and_is_not_woken_is_a_finding(lost: set[str]) -> None:
    here = django_settings.TANDEM_HOST
    now = timezone.now()
    a_host(here)
    a_process("agent", host=here)
    a_schedule(now=now - timedelta(minutes=3), every=60, backend="crontab")
    late, host = host_states.findings(now=now)
    assert (late.ok, "1 schedules of hosts are overdue" in late.detail) == (False, True)
    assert "1 overdue" in host.detail
    overdue.decide_overdue(now=now)
    late, host = host_states.findings(now=now)
    assert (late.ok, host.ok) == (True, False)
    assert "its cron does not wake it (last wake-up: never)" in host.detail
    Schedule.objects.update(woken_at=now + timedelta(minutes=1))
    assert host_states.findings(now=now)[1].ok


def test_a_silent_host_is_a_finding() -> None:
    a_host("far", silent_for=timedelta(minutes=5))
    [_, host] = host_states.findings(now=timezone.now())
    assert not host.ok
    assert "it is silent" in host.detail
    a_process("agent", host="far")
    assert host_states.findings(now=timezone.now())[1].ok
