"""Schedules by their keys: created or changed by the same PUT, as often as it is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scheduling import drafts, keys
from scheduling.models import Schedule
from tests.api.asking import SCHEDULES, made, of, on_beat, pointers, stored, wanted
from tests.api.conformance import CheckedClient

ADDRESS = "/api/schedules/by-key/nightly/"


def put(client: CheckedClient, body: Any = None, **headers: Any) -> Any:
    return client.put(ADDRESS, wanted() if body is None else body, format="json", **headers)


def test_a_put_creates_and_then_changes(operator: CheckedClient, crontab: Path) -> None:
    created = put(operator)
    schedule = created.json()
    assert (created.status_code, schedule["key"], schedule["version"]) == (201, "nightly", 1)
    assert created.headers["Location"] == of(schedule)
    before = stored(crontab)
    again = put(operator)
    assert (again.status_code, again.json()["version"]) == (200, 1)
    assert stored(crontab) == before
    changed = put(operator, wanted(name="another", cron="0 4 * * *"))
    assert (changed.status_code, changed.json()["id"], changed.json()["version"]) == (200, schedule["id"], 2)
    assert operator.get(ADDRESS).json()["name"] == "another"
    assert operator.delete(ADDRESS).status_code == 200
    assert (Schedule.objects.count(), on_beat(schedule)) == (0, [])
    assert (operator.get(ADDRESS).status_code, operator.delete(ADDRESS).status_code) == (404, 404)


@pytest.mark.parametrize("members", [{"cron": "@daily"}, {"backend": "crontab"}, {"cron": None, "every": "PT5M"}])
def test_the_same_again_changes_nothing_however_it_is_written(
    operator: CheckedClient, crontab: Path, members: dict[str, Any]
) -> None:
    put(operator, wanted(**members))
    before = stored(crontab)
    assert put(operator, wanted(**members)).json()["version"] == 1
    assert stored(crontab) == before


def test_a_key_is_made_of_the_name_and_stays(operator: CheckedClient, crontab: Path) -> None:
    first, second, third = (made(operator, name=name) for name in ("Nightly Report!", "nightly report", "日報"))
    assert first["key"] == "nightly-report"
    assert second["key"].startswith("nightly-report-")
    assert third["key"].startswith("schedule-")
    assert all(keys.is_key(one["key"]) for one in (first, second, third))
    renamed = operator.put(of(first), wanted(name="another"), format="json").json()
    assert (renamed["key"], renamed["name"]) == ("nightly-report", "another")


def test_a_key_is_unique(operator: CheckedClient, crontab: Path) -> None:
    mine, other = made(operator, key="mine"), made(operator, key="other")
    taken = operator.post(SCHEDULES, wanted(key="mine"), format="json")
    assert (taken.status_code, taken.json()["errors"][0]["code"], pointers(taken)) == (400, "taken", ["/key"])
    assert operator.patch(of(other), {"key": "mine"}, format="json").status_code == 400
    assert operator.patch(of(mine), {"key": "mine"}, format="json").json()["version"] == 1
    assert operator.patch(of(mine), {"key": "free"}, format="json").json()["key"] == "free"
    assert operator.get("/api/schedules/by-key/mine/").status_code == 404


@pytest.mark.parametrize("key", ["A", "-a", "a b", "ä", "x" * 101])
def test_what_is_no_key_is_refused(operator: CheckedClient, crontab: Path, key: str) -> None:
    assert pointers(operator.post(SCHEDULES, wanted(key=key), format="json")) == ["/key"]
    response = operator.put(f"/api/schedules/by-key/{key}/", wanted(), format="json")
    assert (response.status_code, pointers(response)) == (400, ["/key"])
    assert operator.get(f"/api/schedules/by-key/{key}/").status_code == 404
    assert Schedule.objects.count() == 0


def test_the_body_names_no_other_key(operator: CheckedClient, crontab: Path) -> None:
    assert put(operator, wanted(key="nightly")).status_code == 201
    assert pointers(put(operator, wanted(key="another"))) == ["/key"]


def test_all_faults_are_told_here_too(operator: CheckedClient, crontab: Path) -> None:
    assert sorted(pointers(put(operator, {"name": 3, "job": "x", "cron": "y", "z": 1}))) == [
        "/cron", "/job", "/name", "/z",
    ]  # fmt: skip


def test_a_put_only_creates_or_only_replaces_when_it_says_so(operator: CheckedClient, crontab: Path) -> None:
    assert put(operator, HTTP_IF_MATCH="*").status_code == 412
    created = put(operator, HTTP_IF_NONE_MATCH="*")
    assert created.status_code == 201
    assert put(operator, wanted(name="x"), HTTP_IF_NONE_MATCH="*").status_code == 412
    changed = put(operator, wanted(name="x"), HTTP_IF_MATCH=created.headers["ETag"])
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert put(operator, wanted(name="y"), HTTP_IF_MATCH=created.headers["ETag"]).status_code == 412
    assert operator.delete(ADDRESS, HTTP_IF_MATCH=created.headers["ETag"]).status_code == 412


def test_two_that_create_the_same_key_at_once_make_one_schedule(
    operator: CheckedClient, crontab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is stored after the look for the key, and before ours is stored."""
    real = drafts.draft
    others: list[Any] = []

    def meanwhile(**asked: Any) -> Schedule:
        ours = real(**asked)
        if not others:
            others.append(None)
            others[0] = put(operator)
        return ours

    monkeypatch.setattr(drafts, "draft", meanwhile)
    ours = put(operator, wanted(name="ours"))
    assert (others[0].status_code, ours.status_code, ours.json()["version"]) == (201, 200, 2)
    assert [one.name for one in Schedule.objects.all()] == ["ours"]
