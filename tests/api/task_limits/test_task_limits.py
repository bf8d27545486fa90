"""`/api/limits/`, and the field `limit_key`."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from scheduling import ledger
from tests.api.asking import made
from tests.api.conformance import CheckedClient
from tests.api.two_owners import Somebody, somebody

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recorded")]

LIMITS = {"job:demo.process_data": {"concurrency": 9}, "key:*": {"concurrency": 1, "rate": "9/h", "burst": 2}}


def begun(client: CheckedClient, count: int = 1, **members: Any) -> list[dict[str, Any]]:
    """Tasks whose messages a worker has taken."""
    tasks = []
    for _ in range(count):
        body = {"name": "t", "job": "demo.process_data", **members}
        tasks.append(client.post("/api/tasks/", body, format="json").json())
        ledger.claim(tasks[-1]["id"], 1, worker="me", now=timezone.now())
    return tasks


def test_what_is_set_runs_and_waits_is_shown(operator: CheckedClient, settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = LIMITS
    [first, second] = begun(operator, 2, limit_key="warehouse")
    assert first["limit_key"] == "warehouse"
    shown = operator.get("/api/limits/").json()
    about = {"concurrency": 1, "rate": "9/h", "burst": 2, "next_look_at": None}
    job = {"concurrency": 9, "rate": "", "burst": None, "next_look_at": None}
    assert shown == [
        {"target": "job:demo.process_data", **job, "running": 1, "waiting": 0},
        {"target": "key:*", **about, "running": 0, "waiting": 0},
        {"target": "key:warehouse", **about, "running": 1, "waiting": 1},
    ]
    assert operator.get(f"/api/tasks/{second['id']}/").json()["waits_for_limit"] == "key:warehouse"


def test_who_is_bound_sees_only_what_is_theirs(settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = LIMITS | {"key:azure": {"concurrency": 5}}
    red, blue = somebody("ruby", bound_to="red"), somebody("sky", bound_to="blue")
    begun(blue.rest, 2, limit_key="azure")
    begun(blue.rest)
    begun(red.rest, 2, limit_key="crimson")

    def shown_to(one: Somebody) -> dict[str, tuple[int, int]]:
        return {each["target"]: (each["running"], each["waiting"]) for each in one.rest.get("/api/limits/").json()}

    assert shown_to(red) == {"job:demo.process_data": (1, 0), "key:*": (0, 0), "key:crimson": (1, 1)}
    assert shown_to(blue) == {"job:demo.process_data": (3, 0), "key:*": (0, 0), "key:azure": (2, 0)}


def test_a_schedule_keeps_its_key_and_a_wrong_one_is_refused(operator: CheckedClient) -> None:
    schedule = made(operator, limit_key="warehouse")
    assert schedule["limit_key"] == "warehouse"
    answer = operator.patch(f"/api/schedules/{schedule['id']}/", {"limit_key": "a b"}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/limit_key")


def test_a_schedule_that_runs_without_the_database_has_no_limit(operator: CheckedClient, settings: Settings) -> None:
    settings.TANDEM_TASK_LIMITS = {"key:*": {"concurrency": 1}}
    asked = {"backend": "crontab", "executor": "inline", "database_away": "run", "overlap": "skip"}
    made(operator, **asked)
    body = {"name": "a", "job": "demo.process_data", "cron": "0 6 * * *", "limit_key": "a", **asked}
    answer = operator.post("/api/schedules/", body, format="json")
    assert answer.status_code == 400
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [
        ("/database_away", "contradicts_limit")
    ]
