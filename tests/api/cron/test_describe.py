"""POST /api/cron/describe/: an expression in plain words."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.api.asking import pointers, stored
from tests.api.conformance import CheckedClient

DESCRIBE = "/api/cron/describe/"


def test_a_good_expression_is_read_and_nothing_is_written(viewer: CheckedClient, crontab: Path) -> None:
    before = stored(crontab)
    found = viewer.post(DESCRIBE, {"cron": "30 9 * * 1-5", "timezone": "Europe/Berlin"}, format="json").json()
    assert (found["expression"], found["timezone"]) == ("30 9 * * 1-5", "Europe/Berlin")
    assert "9:30" in found["words"]
    times = [datetime.fromisoformat(one["local"]) for one in found["next_occurrences"]]
    assert len(times) == 5
    assert all((time.hour, time.minute) == (9, 30) and time.weekday() < 5 for time in times)
    assert times == sorted(times)
    assert [backend["backend"] for backend in found["backends"]] == ["beat", "crontab"]
    assert not any(backend["refused_because"] for backend in found["backends"])
    # For a cron in UTC the hour depends on the date.
    assert [len(backend["entries"]) > 1 for backend in found["backends"]] == [False, True]
    assert found["tzdata"]
    assert stored(crontab) == before


def test_a_macro_is_read_as_its_expression(viewer: CheckedClient, crontab: Path) -> None:
    found = viewer.post(DESCRIBE, {"cron": "@hourly"}, format="json").json()
    assert (found["expression"], found["timezone"]) == ("0 * * * *", "UTC")


def test_days_joined_by_or_take_two_rows_on_beat(viewer: CheckedClient, crontab: Path) -> None:
    beat, cron = viewer.post(DESCRIBE, {"cron": "0 0 13 * 5"}, format="json").json()["backends"]
    assert (len(beat["entries"]), len(cron["entries"])) == (2, 1)


@pytest.mark.parametrize("count", [1, 100])
def test_as_many_occurrences_come_as_were_asked_for(viewer: CheckedClient, crontab: Path, count: int) -> None:
    found = viewer.post(DESCRIBE, {"cron": "0 0 29 2 *", "count": count}, format="json").json()
    assert len(found["next_occurrences"]) == count


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        ({}, "/cron", "required"), ({"cron": ""}, "/cron", "blank"), ({"cron": 5}, "/cron", "string"),
        ({"cron": "0 22-2 * * *"}, "/cron", "22-23,0-2"), ({"cron": "5/10 * * * *"}, "/cron", "5-59/10"),
        ({"cron": "? * * * *"}, "/cron", "*"), ({"cron": "0 0 L * *"}, "/cron", "L"),
        ({"cron": "0 0 30 2 *"}, "/cron", "never"), ({"cron": "* * * * *", "timezone": "Mars"}, "/timezone", "IANA"),
        ({"cron": "* * * * *", "timezone": None}, "/timezone", "null"),
        ({"cron": "* * * * *", "count": 0}, "/count", "1"),
        ({"cron": "* * * * *", "count": 101}, "/count", "100"),
        ({"cron": "* * * * *", "count": "5"}, "/count", "integer"),
        ({"cron": "* * * * *", "count": 2.0}, "/count", "integer"),
        ({"cron": "* * * * *", "count": True}, "/count", "integer"),
        ({"cron": "* * * * *", "count": 10**30}, "/count", "100"),
        ({"cron": "* * * * *", "zone": "UTC"}, "/zone", "no such"),
        ({"cron": "\0"}, "/cron", "ull"), ({"cron": "*" * 10_001}, "/cron", "10000"),
    ],
)  # fmt: skip
def test_a_bad_question_is_refused(
    viewer: CheckedClient, crontab: Path, body: dict[str, Any], pointer: str, said: str
) -> None:
    response = viewer.post(DESCRIBE, body, format="json")
    assert response.status_code == 400
    assert pointers(response) == [pointer]
    assert said in response.json()["errors"][0]["detail"]
