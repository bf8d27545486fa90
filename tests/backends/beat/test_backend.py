"""The rows that the backend `beat` keeps in django-celery-beat's tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask, PeriodicTasks
from django_celery_beat.schedulers import DatabaseScheduler
from pytest_django import Settings

from backends.beat.backend import BeatBackend
from backends.queue.app import app
from scheduling import drift, schedules
from scheduling.errors import BackendError
from scheduling.models import Schedule
from tests.conftest import a_schedule
from tests.process_rows import a_process

pytestmark = pytest.mark.django_db

ODD = ["0 0 29 2 *", "*/7 */5 */31 */11 */7", "59 23 31 12 7", "1-59/58 3 */2,5 feb-nov/3 mon-fri/2", "13 4 1,15 * 5"]


def a_users_task(**fields: Any) -> PeriodicTask:
    return PeriodicTask.objects.create(**({"name": "a user's", "task": "theirs.task"} | fields))


def rows_of(schedule: Schedule) -> list[PeriodicTask]:
    return list(PeriodicTask.objects.filter(name__startswith=f"tandem:{schedule.pk}:"))


@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Kiritimati"])
@pytest.mark.parametrize("cron", ODD)
def test_what_is_installed_reads_as_what_is_wanted(cron: str, zone: str) -> None:
    a_schedule(cron=cron, timezone=zone, name="n" * 200)
    assert not drift.find(BeatBackend())
    for task in PeriodicTask.objects.all():
        task.full_clean()


@pytest.mark.parametrize("every", [1, 7, 90, 3601, 86_400])
def test_intervals_read_as_what_is_wanted(every: int) -> None:
    a_schedule(every=every)
    assert not drift.find(BeatBackend())
    for task in PeriodicTask.objects.all():
        task.full_clean()


def change_the_clock(task: PeriodicTask) -> None:
    task.crontab = CrontabSchedule.objects.create(minute="0", hour="1", timezone="Europe/Berlin")


def make_it_an_interval(task: PeriodicTask) -> None:
    task.crontab, task.interval = None, IntervalSchedule.objects.create(every=5, period="minutes")


@pytest.mark.parametrize(
    ("edit", "shown"),
    [
        (lambda task: setattr(task, "enabled", False), " -> tandem.fire({pk}) (disabled)"),
        (change_the_clock, "0 1 * * * Europe/Berlin -> tandem.fire({pk})"),
        (make_it_an_interval, "every 5 minutes -> tandem.fire({pk})"),
        (lambda task: setattr(task, "task", "celery.ping"), " -> celery.ping({pk})"),
        (lambda task: setattr(task, "args", "[[7]]"), " -> tandem.fire([7])"),
        (lambda task: setattr(task, "kwargs", '{"a": 1}'), '(kwargs {{"a": 1}})'),
        (lambda task: setattr(task, "queue", "elsewhere"), "(queue elsewhere)"),
        (lambda task: setattr(task, "priority", 0), "(priority 0)"),
        (lambda task: setattr(task, "one_off", True), "(one_off True)"),
        (lambda task: setattr(task, "expire_seconds", None), "(expire_seconds None)"),
        (lambda task: setattr(task, "start_time", timezone.now() + timedelta(days=1)), "(start_time "),
    ],
)
def test_a_row_that_was_changed_in_the_admin_is_drift_and_sync_repairs_it(
    edit: Callable[[PeriodicTask], None], shown: str
) -> None:
    schedule = a_schedule()
    [task] = rows_of(schedule)
    edit(task)
    task.save()
    found = drift.find(BeatBackend())
    assert [entry.schedule_ids for entry in found.missing] == [(schedule.pk,)]
    assert shown.format(pk=schedule.pk) in found.left_over[0].text
    assert drift.sync(BeatBackend()) == found
    assert not drift.find(BeatBackend())
    assert [row.task for row in rows_of(schedule)] == ["tandem.fire"]


def test_a_row_that_was_disabled_says_nothing_of_the_others() -> None:
    disabled, other = a_schedule(), a_schedule()
    PeriodicTask.objects.filter(name=f"tandem:{disabled.pk}:0").update(enabled=False)
    assert [found.schedule_ids for found in BeatBackend().differences()] == [(disabled.pk,)]
    assert not any(other.pk in entry.schedule_ids for entry in drift.find(BeatBackend()).missing)


def test_a_schedule_of_a_crontab_has_no_rows() -> None:
    a_schedule(backend="crontab")
    assert not drift.sync(BeatBackend())
    assert not PeriodicTask.objects.exists()


def test_saving_a_row_unchanged_in_the_admin_is_no_drift() -> None:
    [task] = rows_of(a_schedule())
    task.queue = task.exchange = task.routing_key = ""
    task.save()
    assert not drift.find(BeatBackend())


def test_a_renamed_row_is_drift_and_sync_repairs_it() -> None:
    schedule = a_schedule()
    PeriodicTask.objects.update(name="mine now")
    found = drift.find(BeatBackend())
    assert "named 'mine now'" in found.left_over[0].text
    drift.sync(BeatBackend())
    assert [task.name for task in PeriodicTask.objects.all()] == [f"tandem:{schedule.pk}:0"]


@pytest.mark.parametrize("name", ["tandem:by hand", "tandem:1:hand", "1:tandem:1"])
def test_a_wake_up_that_somebody_made_by_hand_is_left_over(name: str) -> None:
    every = IntervalSchedule.objects.create(every=1, period="hours")
    a_users_task(task="tandem.fire", name=name, interval=every)
    [left] = drift.find(BeatBackend()).left_over
    assert left.schedule_ids == ()
    drift.sync(BeatBackend())
    assert not PeriodicTask.objects.exists()


def test_rows_of_others_are_told_by_name() -> None:
    every = IntervalSchedule.objects.create(every=1, period="hours")
    for name in ("b", "c", "a"):
        a_users_task(name=name, interval=every)
    assert [one.name for one in BeatBackend().foreign(most=2)] == ["a", "b"]


def test_rows_of_others_are_never_touched() -> None:
    every = IntervalSchedule.objects.create(every=1, period="hours")
    theirs = a_users_task(name="tandem:nightly", interval=every)
    schedules.delete(a_schedule().pk, now=timezone.now())
    drift.sync(BeatBackend())
    assert list(PeriodicTask.objects.all()) == [theirs]
    assert IntervalSchedule.objects.filter(pk=every.pk).exists()


def test_installing_again_writes_nothing_and_has_no_beat_read_its_rows_again(settings: Settings) -> None:
    settings.CELERY = settings.CELERY | {"beat_scheduler": "django_celery_beat.schedulers:DatabaseScheduler"}
    schedule = a_schedule(cron="0 9 1,15 * 5")
    before, changed = rows_of(schedule), PeriodicTasks.last_change()
    BeatBackend().install(schedule)
    assert len(before) == 2
    assert rows_of(schedule) == before
    assert changed is not None
    assert PeriodicTasks.last_change() == changed


def test_a_new_name_is_shown_in_the_admin() -> None:
    schedule = a_schedule(name="old")
    schedules.update(schedule.pk, now=timezone.now(), name="new")
    assert [task.description for task in rows_of(schedule)] == ["new"]


def test_installing_an_old_copy_writes_what_the_database_says_now() -> None:
    old = a_schedule(cron="0 1 * * *")
    schedules.update(old.pk, now=timezone.now(), cron="0 2 * * *")
    BeatBackend().install(old)
    assert not drift.find(BeatBackend())
    schedules.pause(old.pk, now=timezone.now())
    BeatBackend().install(old)
    assert rows_of(old) == []


def test_a_clock_is_deleted_with_the_last_row_that_uses_it() -> None:
    first, second = a_schedule(), a_schedule()
    interval = a_schedule(every=7)
    assert CrontabSchedule.objects.count() == 1
    schedules.delete(first.pk, now=timezone.now())
    assert CrontabSchedule.objects.count() == 1
    schedules.update(second.pk, now=timezone.now(), cron="1 2 3 4 *")
    assert [clock.minute for clock in CrontabSchedule.objects.all()] == ["1"]
    schedules.delete(second.pk, now=timezone.now())
    schedules.pause(interval.pk, now=timezone.now())
    assert not CrontabSchedule.objects.exists()
    assert not IntervalSchedule.objects.exists()


def test_a_clock_that_a_user_uses_stays_and_so_does_the_users_row() -> None:
    schedule = a_schedule()
    theirs = a_users_task(crontab=CrontabSchedule.objects.get())
    schedules.delete(schedule.pk, now=timezone.now())
    assert list(PeriodicTask.objects.all()) == [theirs]
    assert CrontabSchedule.objects.count() == 1


def test_equal_clocks_of_users_are_no_error() -> None:
    first, _ = (CrontabSchedule.objects.create(minute="*/5", hour="*", timezone="UTC") for _ in range(2))
    [row] = rows_of(a_schedule())
    assert row.crontab == first
    assert not drift.find(BeatBackend())


def test_the_stock_scheduler_loads_our_rows_at_every_hour() -> None:
    made = [a_schedule(cron=f"0 {hour} * * *") for hour in range(24)]
    loaded = DatabaseScheduler(app=app, lazy=True).all_as_schedule()
    assert set(loaded) == {f"tandem:{schedule.pk}:0" for schedule in made}


def test_a_schedule_whose_zone_is_gone_does_not_hide_the_others() -> None:
    gone, kept = a_schedule(timezone="Europe/Berlin"), a_schedule()
    Schedule.objects.filter(pk=gone.pk).update(timezone="Europe/Atlantis")
    PeriodicTask.objects.filter(name=f"tandem:{kept.pk}:0").delete()
    drift.sync(BeatBackend())
    assert [entry.schedule_ids for entry in BeatBackend().inspect()] == [(kept.pk,)]


def test_a_database_that_is_away_is_the_backends_error() -> None:
    schedule = a_schedule()

    def away(*_: object) -> object:
        raise OperationalError("gone away")

    backend = BeatBackend()
    with connection.execute_wrapper(away):
        for act in (backend.sync, backend.inspect, lambda: backend.install(schedule), lambda: backend.remove(schedule)):
            with pytest.raises(BackendError, match="gone away"):
                act()
        assert not backend.health().ok


def test_health_tells_whether_a_beat_lives(settings: Settings) -> None:
    silent = BeatBackend().health()
    assert (silent.ok, silent.detail) == (False, "no beat has been heard of: start celery beat")
    process = a_process("beat", host="far")
    assert BeatBackend().health().detail == "beat runs on far, and nothing is overdue"
    process.delete()
    a_process("beat", host="far", silent_for=timedelta(minutes=1))
    assert not BeatBackend().health().ok
    settings.CELERY = settings.CELERY | {"beat_scheduler": "django_celery_beat.schedulers:DatabaseScheduler"}
    assert BeatBackend().health().ok


def test_health_tells_what_is_overdue() -> None:
    schedule = a_schedule()
    a_process("beat", host="far")
    assert BeatBackend().health().ok
    overdue = Schedule.objects.filter(pk=schedule.pk)
    overdue.update(next_due_at=timezone.now() - timedelta(seconds=30))
    assert BeatBackend().health().ok
    overdue.update(next_due_at=timezone.now() - timedelta(minutes=2))
    assert "1 schedules are more than a minute overdue" in BeatBackend().health().detail
    overdue.update(routed_to="crontab")
    assert BeatBackend().health().ok


def test_health_tells_of_a_beat_that_hangs_unless_another_runs() -> None:
    now = timezone.now()
    a_process("beat", host="far", came_round_at=now - timedelta(hours=1))
    hangs = BeatBackend().health()
    assert (hangs.ok, hangs.detail) == (False, "beat on far hangs: start it again")
    a_process("beat", host="near", came_round_at=now, silent_for=timedelta(seconds=5))
    assert BeatBackend().health().detail == "beat runs on near, and nothing is overdue"
