"""The contract of backends: the same tests for every backend."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from pytest_django import Settings

from scheduling import dispatch, drift, schedules
from scheduling.backend import SchedulerBackend, all_backends, backend
from scheduling.errors import InvalidRequest
from scheduling.models import Schedule, Task
from tests.conftest import a_schedule
from tests.recording import SETTINGS_EXECUTORS

pytestmark = pytest.mark.django_db

EXPRESSIONS = ["* * * * *", "*/5 * * * *", "0 3 * * *", "30 2 * * 0", "0 0 13 * 5", "0 0 */2 * 1", "5 4 1,15 jan-jun 7"]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]


@pytest.fixture(params=["beat", "crontab", "memory"])
def where(request: pytest.FixtureRequest, settings: Settings) -> Iterator[SchedulerBackend]:
    """Each backend in turn, empty at the start."""
    settings.TANDEM_BACKENDS = {
        "beat": "backends.beat.backend.BeatBackend",
        "crontab": "backends.crontab.backend.CrontabBackend",
        "memory": "tests.recording.MemoryBackend",
    }
    settings.TANDEM_EXECUTORS = SETTINGS_EXECUTORS
    _forget_crontab()
    yield backend(request.param)
    _forget_crontab()


def _forget_crontab() -> None:
    (Path(django_settings.VAR) / "crontab").unlink(missing_ok=True)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", EXPRESSIONS)
def test_what_is_installed_is_what_entries_said(where: SchedulerBackend, cron: str, zone: str) -> None:
    schedule = a_schedule(cron=cron, timezone=zone, backend=where.name)
    assert schedule.sync_state == "in_sync"
    assert where.entries(schedule)
    assert sorted(where.inspect()) == sorted(where.entries(schedule)) == sorted(where.desired())


@pytest.mark.parametrize("every", [60, 300, 3600, 86_400, 5_400])
def test_intervals_of_whole_minutes_are_held(where: SchedulerBackend, every: int) -> None:
    schedule = a_schedule(every=every, backend=where.name)
    assert sorted(where.inspect()) == sorted(where.entries(schedule))


def test_seconds_are_held_or_refused_as_capabilities_say(where: SchedulerBackend) -> None:
    if where.capabilities.seconds:
        a_schedule(every=1, backend=where.name)
        assert where.inspect()
        return
    with pytest.raises(InvalidRequest) as refused:
        a_schedule(every=1, backend=where.name)
    assert refused.value.problems[0].field == "every"
    assert Schedule.objects.count() == 0
    assert where.inspect() == []


def test_executors_are_held_or_refused_as_capabilities_say(where: SchedulerBackend) -> None:
    for executor in ("worker", "inline"):
        if executor in where.capabilities.executors:
            assert a_schedule(executor=executor, backend=where.name).runs_on == executor
        else:
            with pytest.raises(InvalidRequest):
                a_schedule(executor=executor, backend=where.name)


def test_installing_twice_is_installing_once(where: SchedulerBackend) -> None:
    schedule = a_schedule(backend=where.name)
    before = where.inspect()
    where.install(schedule)
    assert where.inspect() == before


def test_a_change_replaces_the_entries(where: SchedulerBackend) -> None:
    schedule = a_schedule(cron="0 1 * * *", backend=where.name)
    before = where.inspect()
    changed = schedules.update(schedule.pk, now=timezone.now(), cron="0 2 * * *")
    assert sorted(where.inspect()) == sorted(where.entries(changed)) != sorted(before)


def test_a_paused_schedule_has_no_entries_until_it_is_resumed(where: SchedulerBackend) -> None:
    schedule = a_schedule(backend=where.name)
    before = where.inspect()
    schedules.pause(schedule.pk, now=timezone.now())
    assert where.inspect() == []
    schedules.resume(schedule.pk, now=timezone.now())
    assert where.inspect() == before


def test_a_deleted_schedule_leaves_nothing(where: SchedulerBackend) -> None:
    kept, gone = a_schedule(backend=where.name), a_schedule(backend=where.name, cron="1 2 3 4 *")
    schedules.delete(gone.pk, now=timezone.now())
    assert where.inspect() == where.entries(kept)
    where.remove(gone)
    assert where.inspect() == where.entries(kept)


def test_what_is_desired_is_what_each_schedule_needs(where: SchedulerBackend) -> None:
    expressions = ["0 3 * * *", "0 3 * * *", "30 4 1 * *"]
    held = [a_schedule(backend=where.name, cron=cron, timezone="Europe/Berlin") for cron in expressions]
    desired = where.desired()
    assert set(desired) == {entry for schedule in held for entry in where.entries(schedule)}
    for schedule in held:
        woken = [entry for entry in desired if schedule.pk in entry.schedule_ids]
        assert sorted(woken) == sorted(where.entries(schedule))


def test_drift_is_found_and_repaired(where: SchedulerBackend) -> None:
    lost, stale = a_schedule(backend=where.name), a_schedule(backend=where.name, cron="1 2 3 4 *")
    [missing], [left_over] = where.entries(lost), where.entries(stale)
    where.remove(lost)
    if where.name == "crontab":
        # Its writer always writes the desired state: what is missing has to be taken out by hand.
        path = Path(django_settings.VAR) / "crontab"
        path.write_text(path.read_text().replace(missing.text + "\n", ""))
    Schedule.objects.filter(pk=stale.pk).delete()
    found = drift.find(where)
    assert (found.missing, found.left_over) == ((missing,), (left_over,))
    assert found.missing[0].schedule_ids == (lost.pk,)
    assert drift.sync(where) == found
    assert not drift.find(where)


def test_moving_leaves_entries_on_the_new_backend_only(where: SchedulerBackend) -> None:
    schedule = a_schedule(backend=where.name)
    for other in all_backends():
        moved = schedules.move(schedule.pk, to=other.name, now=timezone.now())
        assert moved.routed_to == other.name
        assert sorted(other.inspect()) == sorted(other.entries(moved))
        assert all(elsewhere.inspect() == [] for elsewhere in all_backends() if elsewhere.name != other.name)


def test_several_wake_ups_make_one_task_of_an_occurrence(where: SchedulerBackend) -> None:
    schedule = a_schedule(every=60, backend=where.name, executor="worker")
    assert schedule.next_due_at is not None
    due_at = schedule.next_due_at
    assert len(dispatch.fire(schedule.pk, now=due_at, woken_by=where.name)) == 1
    assert dispatch.fire(schedule.pk, now=due_at, woken_by="another") == []
    dispatch.dispatch_due(where.name, now=due_at)
    assert list(Task.objects.values_list("due_at", flat=True)) == [due_at]


def test_health_never_raises_and_says_something(where: SchedulerBackend) -> None:
    health = where.health()
    assert health.ok in {True, False}
    assert health.detail
