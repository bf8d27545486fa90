"""`GET /api/cron/tzdata/`: the releases in use, and what moves."""

from __future__ import annotations

import zoneinfo
from pathlib import Path

import pytest
from django.utils import timezone

from scheduling.models import Host, Schedule
from scheduling.timing import tzdata_version
from scheduling.upkeep.sweep import sweep
from tests.api.conformance import CheckedClient
from tests.conftest import a_schedule
from tests.process_rows import a_process
from tests.scheduling.timing.releases import a_release

pytestmark = pytest.mark.django_db

ADDRESS = "/api/cron/tzdata/"


def test_it_shows_the_releases_and_what_the_last_change_moved(viewer: CheckedClient) -> None:
    a_process("beat", tzdata="2025b")
    Host.objects.create(name="a-host", zone="Cuba", tzdata="2024a", heartbeat_at=timezone.now())
    schedule = a_schedule(cron="0 9 * * *", timezone="America/Phoenix")
    Schedule.objects.update(tzdata="2025b", next_due_at="2090-01-01T16:00:00Z")
    sweep(now=timezone.now())
    found = viewer.get(ADDRESS).json()
    assert found["tzdata"] == tzdata_version()
    assert found["processes"] == [{"kind": "beat", "host": "testhost", "pid": 1, "tzdata": "2025b"}]
    assert found["hosts"] == [{"name": "a-host", "zone": "Cuba", "tzdata": "2024a", "zone_differs": ""}]
    [moved] = found["last_change"]
    assert (moved["schedule"], moved["due_before"]) == (schedule.pk, "2090-01-01T16:00:00Z")
    assert (moved["tzdata_before"], moved["tzdata_after"]) == ("2025b", tzdata_version())
    assert found["comparison"] is None


def test_it_compares_with_the_system(viewer: CheckedClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    schedule = a_schedule(cron="0 9 * * *", timezone="America/Phoenix")
    files = a_release(tmp_path, "2099a", {"America/Phoenix": "UTC"})
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(files.folder),))
    found = viewer.get(f"{ADDRESS}?against=system").json()["comparison"]
    assert (found["against"], found["complete"]) == ("2099a", True)
    [moved] = found["moved"]
    assert moved["schedule"] == schedule.pk
    # By the time of day, the first and the last may have no counterpart.
    assert moved["count"] in {366, 367}
    assert len(moved["moved"]) == 20
    assert moved["moved"][0]["before"]["local"].endswith("T09:00:00-07:00")
    assert moved["moved"][0]["after"]["utc"].endswith("T09:00:00Z")
    assert len(moved["vanish"]) == len(moved["appear"]) <= 1


def test_without_data_of_the_system_there_is_nothing_to_compare(
    viewer: CheckedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zoneinfo, "TZPATH", ())
    assert viewer.get(f"{ADDRESS}?against=system").json()["comparison"] is None


@pytest.mark.parametrize("query", ["against=/etc", "against=", "folder=/etc"])
def test_no_folder_can_be_named(viewer: CheckedClient, query: str) -> None:
    response = viewer.get(f"{ADDRESS}?{query}")
    assert response.status_code == 400
    assert response.json()["errors"]
