"""POST /api/schedules/: the answer, and the entries that are installed."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from scheduling.models import Schedule
from tests.api.asking import SCHEDULES, in_crontab, made, of, on_beat, wanted
from tests.api.conformance import CheckedClient
from tests.api.conftest import FOREIGN


def test_a_schedule_on_beat_has_rows_there_and_no_crontab_line(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, backend="beat")
    assert schedule["routing"] == {"backend": "beat", "executor": "worker", "host": "", "reason": "it was asked for"}
    [entry] = schedule["entries"]
    assert entry.endswith(f"UTC -> tandem.fire({schedule['id']})")
    assert schedule["sync"]["state"] == "in_sync"
    assert on_beat(schedule) == [f"tandem:{schedule['id']}:0"]
    assert crontab.read_bytes() == FOREIGN


def test_a_schedule_on_crontab_has_its_line_there_and_no_row(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, backend="crontab")
    routing = schedule["routing"]
    assert routing == {"backend": "crontab", "executor": "inline", "host": "testhost", "reason": "it was asked for"}
    assert schedule["entries"] == in_crontab(schedule, crontab)
    assert len(schedule["entries"]) == 1
    assert on_beat(schedule) == []
    assert crontab.read_bytes().startswith(FOREIGN)


@pytest.mark.parametrize(
    ("asked", "backend", "executor", "reason"),
    [
        ({}, "beat", "worker", "Beat is the default"),
        ({"cron": None, "every": 30}, "beat", "worker", "it needs seconds, and cron's clock has none"),
        ({"executor": "inline"}, "crontab", "inline", "it is to run inline, without a worker"),
        ({"executor": "worker"}, "beat", "worker", "Beat is the default"),
    ],
)
def test_auto_follows_the_rules_and_says_which(
    operator: CheckedClient, crontab: Path, asked: dict[str, object], backend: str, executor: str, reason: str
) -> None:
    schedule = made(operator, **asked)
    assert schedule["backend"] == "auto"
    routing = schedule["routing"]
    assert (routing["backend"], routing["executor"], routing["reason"]) == (backend, executor, reason)


def test_the_answer_reads_in_plain_words(operator: CheckedClient, crontab: Path) -> None:
    words = made(operator, cron="30 9 * * 1-5")["words"]
    assert "9:30" in words
    assert "Monday" in words
    assert "30 seconds" in made(operator, cron=None, every=30)["words"]


def test_the_next_five_occurrences_are_told_in_the_zone_and_in_utc(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, cron="30 9 * * *", timezone="Europe/Berlin", starts_at="2099-03-27T00:00:00Z")
    assert schedule["next_occurrences"] == [
        {"local": "2099-03-27T09:30:00+01:00", "utc": "2099-03-27T08:30:00Z"},
        {"local": "2099-03-28T09:30:00+01:00", "utc": "2099-03-28T08:30:00Z"},
        {"local": "2099-03-29T09:30:00+02:00", "utc": "2099-03-29T07:30:00Z"},
        {"local": "2099-03-30T09:30:00+02:00", "utc": "2099-03-30T07:30:00Z"},
        {"local": "2099-03-31T09:30:00+02:00", "utc": "2099-03-31T07:30:00Z"},
    ]


def test_an_interval_counts_from_its_start(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, cron=None, every="PT90S", starts_at="2099-01-01T01:00:07+01:00")
    assert schedule["every"] == 90
    assert schedule["starts_at"] == "2099-01-01T00:00:07Z"
    assert [one["utc"] for one in schedule["next_occurrences"]][:3] == [
        "2099-01-01T00:00:07Z",
        "2099-01-01T00:01:37Z",
        "2099-01-01T00:03:07Z",
    ]


def test_the_end_ends_the_occurrences(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, cron="0 * * * *", starts_at="2099-01-01T00:00:00Z", ends_at="2099-01-01T02:00:00Z")
    assert [one["utc"][11:] for one in schedule["next_occurrences"]] == ["00:00:00Z", "01:00:00Z", "02:00:00Z"]


def test_a_schedule_that_has_ended_already_is_kept_without_entries(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, ends_at="2020-01-01T00:00:00Z")
    assert schedule["next_occurrences"] == schedule["entries"] == on_beat(schedule) == []


def test_what_is_not_asked_for_has_its_default(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator)
    shown = {
        name: schedule[name]
        for name in ("timezone", "overlap", "catch_up", "catch_up_window", "grace", "database_away", "paused")
    }
    assert shown == {
        "timezone": "UTC", "overlap": "skip", "catch_up": "none", "catch_up_window": 86400, "grace": 300,
        "database_away": "wait", "paused": False,
    }  # fmt: skip
    assert (schedule["description"], schedule["parameters"], schedule["every"]) == ("", {}, None)
    assert (schedule["starts_at"], schedule["ends_at"], schedule["version"]) == (None, None, 1)


def test_everything_that_is_asked_for_comes_back(operator: CheckedClient, crontab: Path) -> None:
    asked = {
        "name": "Täglich 🕘 <b>", "description": "zwei\nZeilen", "parameters": {"steps": 3, "pause": 0.5},
        "cron": "0 9 * * 1", "timezone": "America/New_York", "starts_at": "2099-01-01T00:00:00Z",
        "ends_at": "2099-12-31T00:00:00Z", "backend": "crontab", "executor": "worker", "overlap": "queue",
        "catch_up": "all", "catch_up_window": 3600, "grace": 60, "paused": False,
    }  # fmt: skip
    schedule = made(operator, **asked)
    assert {name: schedule[name] for name in asked} == asked
    told = {"warnings": [], "runs_per_year": {"before": None, "after": 0}}
    assert operator.get(of(schedule)).json() | told == schedule


def test_durations_may_be_written_as_iso_8601(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, cron=None, every="P1DT2H", grace="PT10S", catch_up_window="P1W")
    assert (schedule["every"], schedule["grace"], schedule["catch_up_window"]) == (93_600, 10, 604_800)


def test_a_macro_is_stored_as_its_expression(operator: CheckedClient, crontab: Path) -> None:
    assert made(operator, cron="@daily")["cron"] == "0 0 * * *"


@pytest.mark.parametrize("backend", ["beat", "crontab"])
def test_a_paused_schedule_is_stored_and_not_installed(operator: CheckedClient, crontab: Path, backend: str) -> None:
    schedule = made(operator, backend=backend, paused=True)
    assert schedule["paused"]
    assert schedule["next_occurrences"] == schedule["entries"] == on_beat(schedule) == []
    assert crontab.read_bytes() == FOREIGN


def test_an_interval_of_whole_minutes_fits_a_crontab(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, cron=None, every=600, backend="crontab")
    times = [datetime.fromisoformat(one["utc"]) for one in schedule["next_occurrences"]]
    assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(minutes=10)}
    assert all(time.second == 0 for time in times)
    assert len(in_crontab(schedule, crontab)) == 1


def test_no_part_of_a_name_is_in_a_command(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, name="x\n* * * * * touch /tmp/owned # $(id)`id`;%", backend="crontab")
    ours = crontab.read_bytes().removeprefix(FOREIGN).decode().splitlines()
    commands = [
        line for line in ours if line and not line.startswith("#") and not line.startswith(("SHELL=", "CRON_TZ="))
    ]
    assert commands == in_crontab(schedule, crontab)
    assert "owned" not in commands[0]


def test_the_same_body_twice_is_two_schedules(operator: CheckedClient, crontab: Path) -> None:
    first, second = made(operator), made(operator)
    assert first["id"] != second["id"]
    assert Schedule.objects.count() == 2


def test_the_etag_names_the_version(operator: CheckedClient, crontab: Path) -> None:
    assert re.fullmatch('"1-[0-9a-f]{16}"', operator.post(SCHEDULES, wanted(), format="json").headers["ETag"])


def test_a_host_may_run_without_the_database_and_nobody_else(operator: CheckedClient, crontab: Path) -> None:
    asked = {"backend": "crontab", "executor": "inline", "database_away": "run"}
    schedule = made(operator, **asked)
    assert schedule["database_away"] == "run"
    refused: list[tuple[str, dict[str, object]]] = [
        ("/database_away", {"executor": "worker"}),
        ("/database_away", {"backend": "beat", "executor": "worker"}),
        ("/grace", {"grace": 30}),
        ("/on_host_lost", {"on_host_lost": "any_host"}),
    ]
    for pointer, wrong in refused:
        response = operator.patch(of(schedule), wrong, format="json")
        [error] = response.json()["errors"]
        assert (response.status_code, error["pointer"]) == (400, pointer)
    back = operator.patch(of(schedule), {"database_away": "wait", "executor": "worker"}, format="json")
    assert back.json()["database_away"] == "wait"
