"""`/api/statistics/`: the groups, the time, and what is refused."""

from __future__ import annotations

import pytest
from django.utils import timezone

from scheduling.models import Statistic
from tests.api.asking import pointers
from tests.api.conformance import CheckedClient

ADDRESS = "/api/statistics/"


@pytest.fixture(autouse=True)
def _row(db: None) -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for by, name in (("job", "a.job"), ("queue", ""), ("schedule", "7")):
        Statistic.objects.create(
            by=by, name=name, hour=hour, outcomes={"COMPLETED": 99, "FAILED": 1}, durations=[98, 0, 2], lateness=[]
        )


@pytest.mark.parametrize(("by", "name"), [("job", "a.job"), ("queue", ""), ("schedule", "7")])
def test_a_group_is_shown(viewer: CheckedClient, by: str, name: str) -> None:
    [group] = viewer.get(f"{ADDRESS}?by={by}").json()["groups"]
    assert group == {
        "name": name,
        "outcomes": {"COMPLETED": 99, "FAILED": 1, "CANCELLED": 0, "SKIPPED": 0, "MISSED": 0},
        "duration": {"count": 100, "p50": 0.01, "p95": 0.01, "p99": 0.05},
        "lateness": {"count": 0, "p50": None, "p95": None, "p99": None},
    }


def test_hours_and_names_and_times_choose(viewer: CheckedClient) -> None:
    [hour] = viewer.get(f"{ADDRESS}?by=hour").json()["groups"]
    assert hour["name"].endswith(":00:00Z")
    assert viewer.get(f"{ADDRESS}?name=b.job").json()["groups"] == []
    assert viewer.get(f"{ADDRESS}?to=2020-01-01T00:00:00Z").json()["groups"] == []
    assert len(viewer.get(f"{ADDRESS}?from=2020-01-01T00:00:00Z").json()["groups"]) == 1


@pytest.mark.parametrize("query", ["by=user", "from=yesterday", "since=2020-01-01T00:00:00Z"])
def test_what_cannot_be_is_refused(viewer: CheckedClient, query: str) -> None:
    assert pointers(viewer.get(f"{ADDRESS}?{query}")) == ["/" + query.split("=", maxsplit=1)[0]]
