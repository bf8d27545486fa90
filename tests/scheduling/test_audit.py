"""The audit log: who changed what, only added, numbered with the events."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from pytest_django import Settings

from scheduling import audit, dry_run, schedules
from scheduling.audit import Change
from scheduling.caller import Caller, acting
from scheduling.models import Actor, AuditEntry, TaskEvent
from scheduling.models.append_only import OnlyAdded
from scheduling.storable import Json
from scheduling.upkeep import retention
from tests.conftest import a_schedule

pytestmark = pytest.mark.django_db
ADA = Caller("token", user="ada", user_key="7", token="tandem_abc the shop", address="192.0.2.7")


def last() -> AuditEntry:
    found: AuditEntry | None = AuditEntry.objects.order_by("-number").first()
    assert found is not None
    return found


def note() -> None:
    audit.record(Change("schedule", 1, "changed"), now=timezone.now())


def test_a_change_says_who_from_where_and_what_was_before() -> None:
    url: dict[str, Json] = {"url": "https://example.org/"}
    schedule = a_schedule(name="a report", job="http.fetch", parameters=url)
    headers: dict[str, Json] = {"headers": {"Accept": "text/html", "Authorization": "Bearer abc"}}
    with acting(ADA):
        schedules.update(schedule.pk, now=timezone.now(), cron="0 5 * * *", parameters=url | headers)
    entry = last()
    assert entry.actor == Actor.objects.get(user="ada", token="tandem_abc the shop", address="192.0.2.7")
    assert (entry.subject, entry.subject_id, entry.action, entry.name) == (
        "schedule", str(schedule.pk), "changed", "a report",
    )  # fmt: skip
    assert entry.changes["cron"] == ["*/5 * * * *", "0 5 * * *"]
    masked: dict[str, Json] = {"headers": {"Accept": "text/html", "Authorization": "***"}}
    assert entry.changes["parameters"] == [url, url | masked]
    assert set(entry.changes) == {"cron", "parameters"}
    schedule.refresh_from_db()
    assert (schedule.created_by, schedule.changed_by) == (None, entry.actor)


def test_what_changes_nothing_and_what_is_only_tried_is_not_noted() -> None:
    schedule = a_schedule()
    before = AuditEntry.objects.count()
    with acting(ADA):
        schedules.update(schedule.pk, now=timezone.now(), name=schedule.name)
        with dry_run.tried():
            schedules.pause(schedule.pk, now=timezone.now())
    assert AuditEntry.objects.count() == before


def test_creating_and_deleting_are_noted_with_all_fields() -> None:
    with acting(ADA):
        schedule = a_schedule(name="a report")
        assert (last().action, last().changes["name"]) == ("created", [None, "a report"])
        schedules.delete(schedule.pk, now=timezone.now())
    assert (last().action, last().changes["name"]) == ("deleted", ["a report", None])


def test_entries_have_numbers_of_the_event_log() -> None:
    schedule = a_schedule()
    first = schedules.trigger(schedule.pk, now=timezone.now())[0]
    entry = last()
    second = schedules.trigger(schedule.pk, now=timezone.now())[0]
    before, after = (TaskEvent.objects.filter(task=task).values_list("pk", flat=True)[0] for task in (first, second))
    assert before < entry.number < after < last().number


def test_several_entries_get_numbers_one_after_the_other() -> None:
    many = [Change("schedule", number, "changed") for number in range(3)]
    audit.record(*many, now=timezone.now())
    found = list(AuditEntry.objects.order_by("number").values_list("number", "subject_id"))[-3:]
    assert [subject for _, subject in found] == ["0", "1", "2"]
    assert [number for number, _ in found] == list(range(found[0][0], found[0][0] + 3))


def test_a_caller_is_one_row() -> None:
    with acting(ADA):
        note()
        note()
    assert Actor.objects.count() == 1


def test_rows_are_only_added() -> None:
    note()
    entry = last()
    for forbidden in (entry.save, entry.delete, AuditEntry.objects.all().delete):
        with pytest.raises(OnlyAdded):
            forbidden()
    with pytest.raises(OnlyAdded):
        AuditEntry.objects.update(action="nothing")
    with pytest.raises(OnlyAdded):
        AuditEntry.objects.bulk_update([entry], ["action"])


@pytest.mark.parametrize("statement", ["UPDATE {} SET action = ''", "DELETE FROM {}"])
def test_postgresql_refuses_others_too(statement: str) -> None:
    note()
    refused = False
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement.format(AuditEntry._meta.db_table))
    except IntegrityError as exc:
        refused = "only added" in str(exc)
    # SQLite has no such trigger: there the model alone refuses.
    assert refused is (connection.vendor == "postgresql")


def test_retention_deletes_what_is_old(settings: Settings) -> None:
    settings.TANDEM_KEEP_AUDIT_DAYS = 10
    now = timezone.now()
    for days in (11, 9):
        audit.record(Change("schedule", days, "changed"), now=now - timedelta(days=days))
    retention.prune(now=now)
    assert list(AuditEntry.objects.values_list("subject_id", flat=True)) == ["9"]
