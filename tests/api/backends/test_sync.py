"""/api/backends/: health, drift and its repair, and a crontab that cannot be written."""

from __future__ import annotations

from pathlib import Path

import pytest
from django_celery_beat.models import PeriodicTask
from pytest_django import Settings

from tests.api.asking import in_crontab, made, of, on_beat, pointers, stored
from tests.api.conformance import CheckedClient
from tests.api.conftest import FOREIGN

BACKENDS = "/api/backends/"
NOTHING = {"missing": [], "left_over": [], "differences": [], "applied": False}


@pytest.fixture
def unwritable(settings: Settings, tmp_path: Path) -> Path:
    """A crontab that even root cannot write, because its folder is a broken link. A test can replace the link."""
    (tmp_path / "folder").symlink_to("/proc/nope")
    settings.TANDEM_CRONTAB = f"file:{tmp_path / 'folder' / 'crontab'}"
    return tmp_path / "folder"


def make_writable(folder: Path) -> Path:
    folder.unlink()
    folder.mkdir()
    return folder / "crontab"


def test_every_backend_says_what_it_can_hold(viewer: CheckedClient, crontab: Path) -> None:
    beat, cron = viewer.get(BACKENDS).json()
    assert (beat["name"], beat["seconds"], beat["executors"], beat["per_host"]) == ("beat", True, ["worker"], False)
    assert (cron["name"], cron["seconds"], cron["executors"]) == ("crontab", False, ["inline", "worker"])
    assert viewer.get(f"{BACKENDS}crontab/").json() == cron
    assert not cron["ok"]
    assert "cron_runner" in cron["detail"]


def test_a_backend_that_is_not_there_is_not_found(admin: CheckedClient, crontab: Path) -> None:
    for address in ("quartz/", "quartz/drift/"):
        assert admin.get(BACKENDS + address).status_code == 404
    assert admin.post(f"{BACKENDS}quartz/sync/", {"apply": True}, format="json").status_code == 404


def test_a_crontab_that_cannot_be_written_leaves_the_schedule_stored_with_the_reason(
    admin: CheckedClient, unwritable: Path
) -> None:
    schedule = made(admin, backend="crontab")
    assert schedule["sync"]["state"] == "out_of_sync"
    assert "cannot be written" in schedule["sync"]["reason"]
    assert admin.get(of(schedule)).json()["sync"] == schedule["sync"]
    assert admin.get("/api/schedules/", {"sync": "out_of_sync"}).json()["results"][0]["id"] == schedule["id"]
    assert admin.get(f"{BACKENDS}crontab/drift/").json()["missing"] == schedule["entries"]


def test_a_sync_that_fails_says_why_and_leaves_the_reason_on_the_schedules(
    admin: CheckedClient, unwritable: Path
) -> None:
    schedule = made(admin, backend="crontab")
    response = admin.post(f"{BACKENDS}crontab/sync/", {"apply": True}, format="json")
    assert response.status_code == 503
    assert response.json()["code"] == "backend_error"
    assert "cannot be written" in response.json()["detail"]
    assert admin.get(of(schedule)).json()["sync"]["state"] == "out_of_sync"


def test_a_sync_repairs_drift_once_the_crontab_can_be_written(admin: CheckedClient, unwritable: Path) -> None:
    schedule = made(admin, backend="crontab")
    crontab = make_writable(unwritable)
    mended = admin.post(f"{BACKENDS}crontab/sync/", {"apply": True}, format="json").json()
    missing = {"kind": "missing", "schedules": [schedule["id"]], "wanted": schedule["entries"][0], "found": ""}
    told = [missing]
    assert mended == {"missing": schedule["entries"], "left_over": [], "differences": told, "applied": True}
    assert in_crontab(schedule, crontab) == schedule["entries"]
    assert admin.get(of(schedule)).json()["sync"]["state"] == "in_sync"
    assert admin.get(f"{BACKENDS}crontab/drift/").json() == NOTHING


def test_a_schedule_deleted_while_the_crontab_cannot_be_written_is_gone(
    admin: CheckedClient, unwritable: Path, settings: Settings, crontab: Path
) -> None:
    schedule = made(admin, backend="crontab")
    settings.TANDEM_CRONTAB = f"file:{unwritable / 'crontab'}"
    assert admin.delete(of(schedule)).status_code == 200
    settings.TANDEM_CRONTAB = f"file:{crontab}"
    drift = admin.get(f"{BACKENDS}crontab/drift/").json()
    assert (drift["missing"], drift["left_over"]) == ([], schedule["entries"])
    admin.post(f"{BACKENDS}crontab/sync/", {"apply": True}, format="json")
    assert crontab.read_bytes() == FOREIGN


def test_a_crontab_that_cannot_be_read_is_no_fault_of_the_schedule(
    admin: CheckedClient, settings: Settings, tmp_path: Path
) -> None:
    settings.TANDEM_CRONTAB = f"file:{tmp_path}"
    response = admin.post(
        "/api/schedules/",
        {"name": "n", "job": "demo.process_data", "cron": "* * * * *", "backend": "crontab"},
        format="json",
    )
    assert response.status_code == 201
    sync = response.json()["sync"]
    assert (sync["state"], "cannot be read" in sync["reason"]) == ("out_of_sync", True)
    assert admin.get(f"{BACKENDS}crontab/drift/").status_code == 503
    health = admin.get(f"{BACKENDS}crontab/").json()
    assert (health["ok"], "cannot be read" in health["detail"]) == (False, True)


def test_a_host_without_a_crontab_routes_nothing_there(admin: CheckedClient, settings: Settings) -> None:
    settings.TANDEM_CRONTAB = "none"
    assert made(admin)["routing"]["backend"] == "beat"
    body = {"name": "n", "job": "demo.process_data", "cron": "* * * * *", "executor": "inline"}
    response = admin.post("/api/schedules/", body, format="json")
    assert response.status_code == 400
    assert pointers(response) == ["/backend"]


@pytest.mark.parametrize("body", [{}, {"apply": False}])
def test_a_plan_shows_the_drift_and_changes_nothing(
    admin: CheckedClient, crontab: Path, body: dict[str, object]
) -> None:
    lost, kept = made(admin, backend="crontab"), made(admin, backend="crontab", cron="1 2 3 4 *")
    [line] = in_crontab(lost, crontab)
    stray = "59 " + line.partition(" ")[2]
    crontab.write_bytes(crontab.read_bytes().replace(line.encode(), stray.encode()))
    before = stored(crontab)
    told = [
        {"kind": "left_over", "schedules": [], "wanted": "", "found": stray},
        {"kind": "missing", "schedules": [lost["id"]], "wanted": line, "found": ""},
    ]
    expected = {"missing": [line], "left_over": [stray], "differences": told, "applied": False}
    assert admin.get(f"{BACKENDS}crontab/drift/").json() == expected
    assert admin.post(f"{BACKENDS}crontab/sync/", body, format="json").json() == expected
    assert stored(crontab) == before
    assert len(in_crontab(kept, crontab)) == 1
    applied = admin.post(f"{BACKENDS}crontab/sync/", {"apply": True}, format="json").json()
    assert applied == expected | {"applied": True}
    assert in_crontab(lost, crontab) == [line]
    assert stray not in crontab.read_text()


def test_drift_on_beat_is_shown_and_repaired(admin: CheckedClient, crontab: Path) -> None:
    lost, disabled = made(admin, backend="beat"), made(admin, backend="beat", cron="0 3 * * *")
    PeriodicTask.objects.filter(name__startswith=f"tandem:{lost['id']}:").delete()
    PeriodicTask.objects.filter(name__startswith=f"tandem:{disabled['id']}:").update(enabled=False)
    drift = admin.get(f"{BACKENDS}beat/drift/").json()
    assert sorted(drift["missing"]) == sorted([*lost["entries"], *disabled["entries"]])
    assert [entry.endswith("(disabled)") for entry in drift["left_over"]] == [True]
    admin.post(f"{BACKENDS}beat/sync/", {"apply": True}, format="json")
    assert admin.get(f"{BACKENDS}beat/drift/").json() == NOTHING
    assert len(on_beat(lost)) == len(on_beat(disabled)) == 1
    assert all(PeriodicTask.objects.filter(task="tandem.fire").values_list("enabled", flat=True))


@pytest.mark.parametrize("body", [{"apply": "yes"}, {"apply": 1}, {"apply": None}, {"aply": True}, [], "x"])
def test_a_sync_that_is_asked_for_wrongly_does_nothing(admin: CheckedClient, crontab: Path, body: object) -> None:
    made(admin, backend="crontab")
    crontab.write_bytes(FOREIGN)
    before = stored(crontab)
    response = admin.post(f"{BACKENDS}crontab/sync/", body, format="json")
    assert response.status_code == 400
    assert set(pointers(response)) <= {"", "/apply", "/aply"}
    assert stored(crontab) == before
