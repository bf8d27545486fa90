"""/api/lateness/: how late occurrences were."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from scheduling.lateness import BOUNDS, bucket_of
from scheduling.models import LatenessBucket
from tests.api.conformance import CheckedClient

LATENESS = "/api/lateness/"


def counted(hours_ago: int, seconds: float, count: int, *, backend: str = "beat") -> None:
    hour = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=hours_ago)
    LatenessBucket.objects.create(hour=hour, backend=backend, bucket=bucket_of(seconds), count=count)


def test_without_anything_there_is_no_bound(viewer: CheckedClient) -> None:
    shown = viewer.get(LATENESS).json()
    assert (shown["count"], shown["p50"], shown["p99"]) == (0, None, None)
    assert [each["at_most"] for each in shown["buckets"]] == [*BOUNDS, None]


def test_the_last_day_is_shown_with_its_bounds(viewer: CheckedClient) -> None:
    counted(0, 0.02, 60)
    counted(3, 0.2, 38)
    counted(3, 100, 2, backend="crontab")
    counted(30, 3000, 7)
    shown = viewer.get(LATENESS).json()
    assert (shown["count"], shown["p50"], shown["p95"], shown["p99"]) == (100, 0.025, 0.25, 300.0)
    assert {each["at_most"]: each["count"] for each in shown["buckets"] if each["count"]} == {
        0.025: 60,
        0.25: 38,
        300: 2,
    }


def test_a_time_and_a_backend_are_asked_for(viewer: CheckedClient) -> None:
    counted(1, 1, 5)
    counted(1, 1, 3, backend="crontab")
    counted(50, 7200, 1)
    now = timezone.now()
    assert viewer.get(LATENESS, {"backend": "crontab"}).json()["count"] == 3
    earlier = viewer.get(
        LATENESS, {"from": (now - timedelta(days=3)).isoformat(), "to": (now - timedelta(days=2)).isoformat()}
    ).json()
    assert (earlier["count"], earlier["p50"]) == (1, None)
    assert earlier["from"] < earlier["to"]


def test_what_is_not_understood_is_refused(viewer: CheckedClient) -> None:
    assert viewer.get(LATENESS, {"from": "yesterday"}).status_code == 400
    assert viewer.get(LATENESS, {"since": "2026-11-20T10:00:00Z"}).status_code == 400
