"""/api/drift/: what differed, followed by number, by host and by schedule."""

from __future__ import annotations

from pathlib import Path

from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from scheduling import drift_log
from scheduling.difference import Difference, DifferenceKind
from tests.api.asking import made, of
from tests.api.conformance import CheckedClient

DRIFT = "/api/drift/"


def test_a_row_that_was_disabled_is_noticed_shown_and_mended(admin: CheckedClient, crontab: Path) -> None:
    schedule = made(admin, backend="beat")
    PeriodicTask.objects.filter(args=f"[{schedule['id']}]").update(enabled=False)
    found = admin.get("/api/backends/beat/drift/").json()["differences"]
    wanted = schedule["entries"][0]
    assert found == [
        {"kind": "disabled", "schedules": [schedule["id"]], "wanted": wanted, "found": f"{wanted} (disabled)"}
    ]
    [record] = admin.get(of(schedule, "drift")).json()["results"]
    assert (record["kind"], record["backend"], record["host"], record["mended_at"]) == ("disabled", "beat", "", None)
    assert record["schedules"] == [schedule["id"]]
    admin.post("/api/backends/beat/sync/", {"apply": True}, format="json")
    [changed] = admin.get(DRIFT, {"after": record["number"]}).json()["results"]
    assert changed["id"] == record["id"]
    assert changed["mended_at"] is not None
    assert admin.get(DRIFT, {"open": "true"}).json()["results"] == []


def test_rows_are_changed_missing_or_left_over(admin: CheckedClient, crontab: Path) -> None:
    changed, missing = made(admin, backend="beat"), made(admin, backend="beat")
    PeriodicTask.objects.filter(args=f"[{changed['id']}]").update(queue="mine")
    PeriodicTask.objects.filter(args=f"[{missing['id']}]").delete()
    row = PeriodicTask.objects.get(args=f"[{changed['id']}]")
    PeriodicTask.objects.create(name="by hand", task="tandem.fire", crontab=row.crontab)
    kinds = {each["kind"]: each["schedules"] for each in admin.get("/api/backends/beat/drift/").json()["differences"]}
    assert kinds == {"changed": [changed["id"]], "missing": [missing["id"]], "left_over": []}


def test_records_are_filtered(viewer: CheckedClient) -> None:
    now = timezone.now()
    drift_log.keep("crontab", "here", [Difference(DifferenceKind.MOVED, "a", (1,))], now=now)
    drift_log.keep("crontab", "there", [Difference(DifferenceKind.DOUBLED, "b", (1, 2))], now=now)
    drift_log.keep("crontab", "there", [], now=now)

    def found(**query: str | int) -> list[str]:
        return [each["found"] for each in viewer.get(DRIFT, query).json()["results"]]

    assert found() == ["b", "a"]
    assert found(host="here") == ["a"]
    assert found(kind="doubled") == ["b"]
    assert found(schedule=1) == ["b", "a"]
    assert found(schedule=2) == ["b"]
    assert found(open="true") == ["a"]
    assert found(open="false") == ["b"]
    assert found(backend="beat") == []
    assert found(after=1) == ["b"]
    assert viewer.get(DRIFT, {"kind": "odd"}).status_code == 400
