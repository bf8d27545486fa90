"""Warnings and runs in a year, in the answers of create, change and preview, in the language of the request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.api.asking import SCHEDULES, made, of, wanted
from tests.api.conformance import CheckedClient

NIGHTLY, EACH_MINUTE = "30 2 * * *", "* * * * *"


def codes(schedule: dict[str, Any]) -> list[str]:
    return [warning["code"] for warning in schedule["warnings"]]


def test_a_new_schedule_is_answered_with_its_warnings(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, cron="0 0 13 * 5")
    assert codes(schedule) == ["either_day"]
    assert schedule["runs_per_year"]["before"] is None
    assert 60 <= schedule["runs_per_year"]["after"] <= 66
    assert codes(made(operator, cron=NIGHTLY, timezone="Europe/Berlin")) == ["clock_change"]
    assert codes(made(operator, cron=None, every=30)) == ["sub_minute", "very_frequent"]


def test_a_change_says_how_often_it_ran_and_will_run(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, cron=NIGHTLY)
    shown = operator.post(of(schedule, "preview"), {"cron": EACH_MINUTE}, format="json").json()
    changed = operator.patch(of(schedule), {"cron": EACH_MINUTE}, format="json").json()
    for answer in (shown, changed):
        assert codes(answer) == ["very_frequent"]
        assert answer["runs_per_year"] == {"before": 365, "after": 365 * 24 * 60}
    paused = operator.post(of(schedule, "pause")).json()
    assert paused["runs_per_year"] == {"before": 365 * 24 * 60, "after": 0}


@pytest.mark.parametrize(
    ("members", "expected", "runs"),
    [
        ({"ends_at": "2020-01-01T00:00:00Z"}, ["ended"], 0),
        ({"starts_at": "2090-01-01T03:00:00Z", "ends_at": "2090-01-01T04:00:00Z"}, ["never_due"], 0),
        ({"starts_at": "2090-01-01T02:30:00Z"}, [], 0),
        ({"every": 86_400, "cron": None}, [], 365),
        ({"every": 86_400, "cron": None, "ends_at": "2020-01-01T00:00:00Z"}, ["ended"], 0),
        ({"paused": True, "ends_at": "2020-01-01T00:00:00Z"}, [], 0),
    ],
)
def test_a_schedule_that_does_not_run_says_so(
    operator: CheckedClient, crontab: Path, members: dict[str, Any], expected: list[str], runs: int
) -> None:
    schedule = made(operator, **({"cron": NIGHTLY} | members))
    assert (codes(schedule), schedule["runs_per_year"]["after"]) == (expected, runs)


def test_words_and_warnings_are_in_the_language_of_the_request(operator: CheckedClient, crontab: Path) -> None:
    answer = operator.post(
        SCHEDULES, wanted(cron="0 0 13 * 5"), format="json", headers={"Accept-Language": "sw, de;q=0.5"}
    )
    assert answer.headers["Content-Language"] == "de"
    assert answer.json()["words"].startswith("Um 00:00 Uhr")
    [warning] = answer.json()["warnings"]
    assert "oder" in warning["detail"]
    assert operator.get(of(answer.json()) + "?language=fr").json()["words"].endswith("fuseau horaire UTC")
    fallback = operator.get(of(answer.json()), headers={"Accept-Language": "sw"})
    assert (fallback.status_code, fallback.headers["Content-Language"]) == (200, "en")


def test_a_list_is_in_the_language_of_the_request(operator: CheckedClient, crontab: Path) -> None:
    made(operator, name="nightly", cron=NIGHTLY)
    answer = operator.get(SCHEDULES, headers={"Accept-Language": "de"})
    assert answer.headers["Content-Language"] == "de"
    [row] = answer.json()["results"]
    assert row["words"].startswith("Um ")
    assert row["words"] == operator.get(of(row) + "?language=de").json()["words"]
    assert operator.get(SCHEDULES + "?language=sw").status_code == 400


def test_a_language_that_is_not_there_is_refused_before_anything_is_stored(
    operator: CheckedClient, crontab: Path
) -> None:
    assert operator.post(SCHEDULES + "?language=sw", wanted(), format="json").status_code == 400
    assert operator.get(SCHEDULES).json()["results"] == []
