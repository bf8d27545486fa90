"""What another release of the time zone data would move."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduling.models import Schedule
from scheduling.review import zone_data
from scheduling.review.zone_data import compare_with
from tests.conftest import a_schedule, at
from tests.scheduling.timing.releases import OLD_VANCOUVER, a_release

pytestmark = pytest.mark.django_db

NOW = at("2026-10-20 12:00")


def compared(folder: Path, *, days: int = 30) -> zone_data.Comparison:
    files = a_release(folder, "2025b", {**OLD_VANCOUVER, "Asia/Tokyo": "Asia/Tokyo"})
    return compare_with(files, Schedule.objects.order_by("pk"), days=days, now=NOW)


def in_vancouver(cron: str, **fields: Any) -> Schedule:
    return a_schedule(cron=cron, timezone="America/Vancouver", now=NOW, **fields)


def test_each_schedule_is_named_with_what_moves(tmp_path: Path) -> None:
    nine = in_vancouver("0 9 * * *")
    in_vancouver("*/15 * * * *")
    in_vancouver("0 9 * * *", paused=True)
    a_schedule(cron="0 9 * * *", timezone="Asia/Tokyo", now=NOW)
    a_schedule(cron="0 9 * * *", timezone="Europe/Berlin", now=NOW)
    a_schedule(every=3600, now=NOW)
    found = compared(tmp_path)
    assert (found.against, found.until, found.complete) == ("2025b", NOW + timedelta(days=30), True)
    [moved] = found.moved
    assert moved.schedule == nine
    # From 1 November on, when the clocks do not change any more.
    assert moved.difference.moved[0] == (at("2026-11-01 16:00"), at("2026-11-01 17:00"))
    assert len(moved.difference.moved) == 18
    assert moved.difference.vanish == moved.difference.appear == ()


def test_a_frequent_schedule_is_compared_from_where_the_rules_differ(tmp_path: Path) -> None:
    in_vancouver("* 0-22 * * *")
    found = compared(tmp_path, days=13)
    assert found.moved
    assert found.complete
    assert not compared(tmp_path, days=300).complete


def test_before_the_rules_differ_and_after_the_end_nothing_moves(tmp_path: Path) -> None:
    in_vancouver("0 9 * * *", ends_at=at("2026-10-31 00:00"))
    assert compared(tmp_path).moved == ()
    in_vancouver("0 9 * * *")
    assert compared(tmp_path, days=10).moved == ()


@pytest.mark.parametrize("bound", ["MOST_COMPARED", "MOST_WORK"])
def test_a_report_is_bounded_and_says_so(tmp_path: Path, bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zone_data, bound, 1)
    first = in_vancouver("0 9 * * *")
    in_vancouver("0 10 * * *")
    found = compared(tmp_path)
    assert [moved.schedule for moved in found.moved] == [first]
    assert not found.complete
