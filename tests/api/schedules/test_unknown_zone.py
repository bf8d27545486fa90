"""Schedules whose zone is not in this machine's time zone data: another release left it out, or had it first."""

from __future__ import annotations

import pytest
from django_celery_beat.models import PeriodicTask

from scheduling.models import Schedule
from tests.api.asking import pointers
from tests.api.conformance import CheckedClient
from tests.conftest import a_schedule

pytestmark = pytest.mark.django_db


@pytest.fixture
def unknown() -> Schedule:
    """A schedule with such a zone."""
    schedule = a_schedule(backend="beat")
    Schedule.objects.update(timezone="Mars/Base")
    return schedule


def test_it_is_shown_with_the_reason_beside_all_others(operator: CheckedClient, unknown: Schedule) -> None:
    a_schedule(name="known")
    listed = {one["name"]: one for one in operator.get("/api/schedules/").json()["results"]}
    assert set(listed) == {"a schedule", "known"}
    shown = operator.get(f"/api/schedules/{unknown.pk}/").json()
    assert shown == listed["a schedule"]
    assert "'Mars/Base' is not a time zone" in shown["words"]
    assert (shown["next_occurrences"], shown["entries"], shown["wasted_wake_ups"]) == ([], [], None)


def test_it_is_mended_and_deleted(operator: CheckedClient, unknown: Schedule) -> None:
    address = f"/api/schedules/{unknown.pk}/"
    mended = operator.patch(address, {"timezone": "Europe/Berlin"}, format="json")
    assert (mended.status_code, mended.json()["timezone"]) == (200, "Europe/Berlin")
    Schedule.objects.update(timezone="Mars/Base")
    assert operator.delete(address).status_code == 200


def test_it_is_paused_and_not_resumed(operator: CheckedClient, unknown: Schedule) -> None:
    address = f"/api/schedules/{unknown.pk}/"
    paused = operator.post(f"{address}pause/")
    assert (paused.status_code, paused.json()["paused"], paused.json()["sync"]["state"]) == (200, True, "in_sync")
    assert not PeriodicTask.objects.exists()
    resumed = operator.post(f"{address}resume/")
    assert (resumed.status_code, pointers(resumed)) == (400, ["/timezone"])
