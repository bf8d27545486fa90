"""How much the rows of our schedules cost the database, and a beat that has no use for them."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask, PeriodicTasks
from django_celery_beat.schedulers import ModelEntry
from pytest_django import DjangoAssertNumQueries, Settings

from backends.beat import backend
from backends.beat.backend import BeatBackend
from scheduling import drift, schedules
from scheduling.models import Schedule
from tests.backends.beat.ticking import Beat, another_task
from tests.conftest import a_schedule

pytestmark = pytest.mark.django_db


def clocks(count: int) -> list[Any]:
    """So many different ones; there are 1,440 at most."""
    made = (CrontabSchedule(minute=str(index % 60), hour=str(index // 60)) for index in range(count))
    return list(CrontabSchedule.objects.bulk_create(made))


def some_on_beat(count: int) -> list[Schedule]:
    return [a_schedule(cron=f"{index % 60} {index // 60} * * *", name=str(index)) for index in range(count)]


@pytest.mark.django_db(transaction=True)
def test_reading_the_rows_of_others_costs_the_same_with_thousands_of_ours(
    beat: Beat, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    another_task("another")
    PeriodicTask.objects.bulk_create(
        PeriodicTask(name=f"tandem:{clock.pk}:0", task="tandem.fire", crontab=clock) for clock in clocks(1440)
    )
    with django_assert_num_queries(1) as asked:
        [entry] = beat.scheduler.all_as_schedule().values()
    assert isinstance(entry, ModelEntry)
    assert entry.name == "another"
    # With a branch for each of our expressions it has more characters than this by far.
    assert len(asked.captured_queries[0]["sql"]) < 5_000


def test_a_change_of_our_rows_is_announced_only_to_a_scheduler_that_reads_them(settings: Settings) -> None:
    PeriodicTasks.update_changed()
    before = PeriodicTasks.last_change()
    schedule = a_schedule()
    schedules.update(schedule.pk, now=timezone.now(), cron="7 7 * * *")
    schedules.pause(schedule.pk, now=timezone.now())
    assert PeriodicTasks.last_change() == before
    settings.CELERY = settings.CELERY | {"beat_scheduler": "django_celery_beat.schedulers:DatabaseScheduler"}
    schedules.resume(schedule.pk, now=timezone.now())
    assert PeriodicTasks.last_change() > before


def test_installing_takes_few_statements(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    schedule = a_schedule()
    PeriodicTask.objects.all().delete()
    with django_assert_max_num_queries(7):
        BeatBackend().install(schedule)
    assert PeriodicTask.objects.count() == 1


def test_creating_changing_and_deleting_take_few_statements(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    a_schedule(cron="1 2 * * *")
    # In a transaction the schedule, and a number and a row of the audit log; in another its lock, its rows, the clock,
    # a new clock, a new row; then the result.
    with django_assert_num_queries(13):
        schedule = a_schedule(cron="7 7 * * *", name="another")
    # In a transaction the lock and the change; then the above, with what takes the old row and its clock away.
    with django_assert_num_queries(17):
        schedules.update(schedule.pk, now=timezone.now(), cron="8 8 * * *")
    # Here the row is as it must be.
    with django_assert_num_queries(11):
        schedules.update(schedule.pk, now=timezone.now(), priority=3)
    # In a transaction the lock, its open tasks, its replanned times, the schedule, the audit log; then its row and its
    # clock.
    with django_assert_num_queries(14):
        schedules.delete(schedule.pk, now=timezone.now())
    assert PeriodicTask.objects.count() == CrontabSchedule.objects.count() == 1


@pytest.mark.parametrize("count", [3, 30])
def test_many_are_installed_and_removed_with_as_many_statements_as_few(
    count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    made = some_on_beat(count)
    drift.remove_all(made, from_backend="beat")
    assert not PeriodicTask.objects.exists()
    # In a transaction the locks, the present rows, the clocks, new clocks, new rows; then the result of all.
    with django_assert_num_queries(8):
        drift.install_all(made)
    assert PeriodicTask.objects.count() == count
    assert set(Schedule.objects.values_list("sync_state", flat=True)) == {"in_sync"}
    # In a transaction the rows, their deletion, the locks of their clocks, their deletion.
    with django_assert_num_queries(6):
        drift.remove_all(made, from_backend="beat")


def test_a_sync_takes_as_many_statements_for_many_rows_as_for_few(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    made = some_on_beat(40)
    PeriodicTask.objects.filter(name__in=[f"tandem:{schedule.pk}:0" for schedule in made[:30]]).update(enabled=False)
    PeriodicTask.objects.filter(name=f"tandem:{made[35].pk}:0").delete()
    Schedule.objects.filter(pk=made[36].pk).delete()
    with django_assert_num_queries(11):
        BeatBackend().sync()
    assert not drift.find(BeatBackend())
    assert PeriodicTask.objects.filter(enabled=True).count() == CrontabSchedule.objects.count() == 39
    with django_assert_num_queries(2):
        BeatBackend().sync()


def test_a_sync_that_writes_more_than_a_batch_writes_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "BATCH", 3)
    some_on_beat(7)
    PeriodicTask.objects.all().delete()
    BeatBackend().sync()
    assert not drift.find(BeatBackend())
    assert PeriodicTask.objects.count() == 7
