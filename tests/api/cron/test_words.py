"""POST /api/cron/describe/: language, clock, frequency, warnings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling.models import Schedule
from tests.api.asking import pointers
from tests.api.conformance import CheckedClient
from tests.conftest import a_schedule

DESCRIBE = "/api/cron/describe/"
BODY = {"cron": "30 14 * * 1-5", "timezone": "Europe/Berlin"}


def described(client: CheckedClient, query: str = "", **headers: Any) -> Any:
    response = client.post(f"{DESCRIBE}{query}", BODY, format="json", headers=headers)
    assert response.status_code == 200, response.json()
    return response.json()


@pytest.mark.parametrize("many", [1, 30])
def test_describing_asks_as_much_whatever_is_stored(viewer: CheckedClient, crontab: Path, many: int) -> None:
    for number in range(many):
        a_schedule(cron=f"{number} * * * *")
    with CaptureQueriesContext(connection) as asked:
        described(viewer)
    assert len(asked) == 5  # the token, its first use, its roles, the stored expressions and intervals


@pytest.mark.parametrize(
    ("query", "header", "words"),
    [
        ("", None, "At 14:30, Monday through Friday, Europe/Berlin time"),
        ("?language=de", None, "Um 14:30 Uhr, jeweils Montag bis Freitag, Zeitzone Europe/Berlin"),
        ("?language=DE-at", "fr", "Um 14:30 Uhr, jeweils Montag bis Freitag, Zeitzone Europe/Berlin"),
        ("", "sw, nl;q=0.5", "Om 14:30, op maandag t/m vrijdag, tijdzone Europe/Berlin"),
        ("", "en-US", "At 2:30 PM, Monday through Friday, Europe/Berlin time"),
        ("?clock=12", "en-GB", "At 2:30 pm, Monday through Friday, Europe/Berlin time"),
        ("?clock=24", "en-US", "At 14:30, Monday through Friday, Europe/Berlin time"),
    ],
)
def test_words_come_in_the_language_asked_for(
    viewer: CheckedClient, crontab: Path, query: str, header: str | None, words: str
) -> None:
    headers = {"Accept-Language": header} if header else {}
    assert described(viewer, query, **headers)["words"] == words


def test_the_setting_is_used_if_no_language_is_asked_for(viewer: CheckedClient, crontab: Path, settings: Any) -> None:
    settings.TANDEM_LANGUAGE = "fr"
    assert described(viewer)["language"] == "fr"
    assert described(viewer, "?language=de")["language"] == "de"
    assert described(viewer, **{"Accept-Language": "it"})["language"] == "it"


def test_a_header_that_names_nothing_offered_falls_back_and_says_so(viewer: CheckedClient, crontab: Path) -> None:
    response = viewer.post(DESCRIBE, BODY, format="json", headers={"Accept-Language": "sw"})
    assert (response.status_code, response.headers["Content-Language"]) == (200, "en")
    assert "Accept-Language" in response.headers["Vary"]
    assert response.json()["language"] == "en"


@pytest.mark.parametrize(
    ("query", "header", "pointer"),
    [
        ("?language=sw", "en", "/language"),
        ("?language=", "en", "/language"),
        ("?clock=13", "", "/clock"),
    ],
)
def test_what_is_not_offered_is_refused(
    viewer: CheckedClient, crontab: Path, query: str, header: str, pointer: str
) -> None:
    response = viewer.post(f"{DESCRIBE}{query}", BODY, format="json", headers={"Accept-Language": header})
    assert response.status_code == 400
    assert pointers(response) == [pointer]
    if pointer != "/clock":
        assert "offered: cs, da, de, en, " in response.json()["errors"][0]["detail"]


def test_runs_and_gaps_are_counted(viewer: CheckedClient, crontab: Path) -> None:
    found = viewer.post(DESCRIBE, {"cron": "*/40 * * * *"}, format="json").json()
    assert found["runs"] == {"per_day": 48.0, "per_year": 17_520, "shortest_gap": 1_200, "longest_gap": 2_400}
    assert [one["code"] for one in found["warnings"]] == ["uneven_step"]


def test_clock_changes_are_named_with_their_dates(viewer: CheckedClient, crontab: Path) -> None:
    body = {"cron": "30 2 * * *", "timezone": "Europe/Berlin"}
    [warning] = viewer.post(DESCRIBE, body, format="json").json()["warnings"]
    assert warning["code"] == "clock_change"
    assert {change["effect"] for change in warning["clock_changes"]} == {"late", "first_only"}
    ahead = datetime.now(UTC) + timedelta(days=366)
    assert all(datetime.fromisoformat(change["at"]) < ahead for change in warning["clock_changes"])


def test_an_interval_is_read_too(viewer: CheckedClient, crontab: Path) -> None:
    found = viewer.post(DESCRIBE, {"every": "PT30S", "count": 2}, format="json").json()
    assert (found["expression"], found["every"]) == ("", 30)
    assert found["words"].startswith("Every 30 seconds, counted from ")
    beat, cron = found["backends"]
    assert beat["entries"]
    assert cron["refused_because"]
    assert [one["code"] for one in found["warnings"]] == ["sub_minute", "very_frequent"]


@pytest.mark.parametrize("body", [{"cron": "* * * * *", "every": 5}, {"every": 0}, {"every": 10**12}])
def test_exactly_one_valid_trigger_is_needed(viewer: CheckedClient, crontab: Path, body: dict[str, Any]) -> None:
    assert viewer.post(DESCRIBE, body, format="json").status_code == 400


def test_a_crowded_minute_is_a_warning(viewer: CheckedClient, crontab: Path) -> None:
    first = a_schedule(cron="0 3 * * *")
    fields = {
        one.attname: getattr(first, one.attname)
        for one in Schedule._meta.concrete_fields
        if one.name not in {"id", "key"}
    }
    Schedule.objects.bulk_create(Schedule(**fields) for _ in range(11))
    found = viewer.post(DESCRIBE, {"cron": "0 3 * * *"}, format="json").json()
    assert [one["code"] for one in found["warnings"]] == ["same_minute"]
    assert found["warnings"][0]["detail"].startswith("12 other schedules")
