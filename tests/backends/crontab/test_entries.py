"""The crontab lines of schedules."""

from __future__ import annotations

import logging
import zoneinfo
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from backends.crontab import lines
from backends.crontab.block import MOST_LINES
from backends.crontab.entries import EVERY_MINUTE, RENEWAL, groups_of, wake_ups_of
from backends.crontab.lines import Group
from scheduling.errors import InvalidTrigger
from scheduling.models import Schedule
from scheduling.timing import clock_zone
from scheduling.timing.crontab_expressions import crontab_expressions
from tests.conftest import at
from tests.scheduling.timing.cron_loop import table_fires
from tests.scheduling.timing.releases import OLD_VANCOUVER, a_release

NOW = at("2026-11-20 10:00")


def a_draft(cron: str = "0 9 * * *", zone: str = "UTC", *, pk: int = 1, name: str = "name") -> Schedule:
    return Schedule(pk=pk, name=name, cron=cron, timezone=zone, anchor=NOW)


def groups(*schedules: Schedule, host: str = "UTC", room: int = MOST_LINES) -> list[Group]:
    return groups_of(schedules, zone_name=host, now=NOW, room=room)


@pytest.mark.parametrize("cron", ["*/5 * * * *", "0 9 * * 1-5", "30 4 1,15 * 5", "0 0 1 1 *"])
def test_on_a_clock_of_its_own_zone_the_line_is_the_expression(cron: str) -> None:
    [group] = groups(a_draft(cron, "Europe/Berlin"), host="Europe/Berlin")
    assert group.expressions == (cron,)


def test_schedules_that_need_the_same_lines_share_them() -> None:
    hundred = [a_draft("0 2 * * *", pk=pk, name=f"job {pk}") for pk in range(100, 0, -1)]
    [group] = groups(*hundred)
    assert group.expressions == ("0 2 * * *",)
    assert group.ids == list(range(1, 101))
    assert group.words == "At 02:00, UTC time"


def test_groups_come_in_the_order_of_their_first_schedules() -> None:
    drafts = [a_draft("0 3 * * *", pk=9), a_draft("0 2 * * *", pk=5), a_draft("0 3 * * *", pk=2)]
    assert [group.ids for group in groups(*drafts)] == [[2, 9], [5]]
    assert groups(*drafts) == groups(*reversed(drafts))


def test_lines_with_dates_bring_the_line_that_renews_them() -> None:
    dated, lasting = a_draft(zone="Europe/Berlin", pk=3), a_draft(pk=4)
    *_, renewal = groups(dated, lasting)
    assert (renewal.expressions, renewal.ids) == ((RENEWAL,), [3])
    assert [group.ids for group in groups(lasting)] == [[4]]


def test_an_expression_that_is_not_due_for_years_is_looked_at_each_day() -> None:
    [nothing, renewal] = groups(a_draft("0 0 29 2 *", "Europe/Berlin"))
    assert (nothing.expressions, renewal.expressions) == ((), (RENEWAL,))


def test_lines_that_do_not_fit_become_one_for_all() -> None:
    drafts = [a_draft(f"{pk} 3 * * *", pk=pk) for pk in range(1, 11)]
    assert len(groups(*drafts, room=20)) == 10
    for room in (19, 2):
        [group] = groups(*drafts, room=room)
        assert group.expressions == (EVERY_MINUTE,)
        assert group.ids == list(range(1, 11))
        assert lines.count([group]) == 2


def test_a_schedule_whose_zone_is_gone_has_no_line_and_that_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        [group] = groups(a_draft(zone="Nowhere/Land", pk=8), a_draft(pk=9))
    assert group.ids == [9]
    assert "schedule 8 has no crontab line" in caplog.text
    with pytest.raises(InvalidTrigger):
        groups(a_draft(), host="Nowhere/Land")


def test_the_lines_depend_on_the_day_and_not_on_the_time() -> None:
    drafts = [a_draft(zone="Europe/Berlin"), Schedule(pk=2, name="x", every=61 * 60, anchor=NOW)]
    first, last = at("2026-11-20 00:00"), at("2026-11-20 23:59")
    assert groups_of(drafts, zone_name="UTC", now=first) == groups_of(drafts, zone_name="UTC", now=last)
    assert groups_of(drafts, zone_name="UTC", now=first) != groups_of(
        drafts, zone_name="UTC", now=first + timedelta(days=1)
    )


def test_a_line_is_for_the_clock_of_the_system_by_its_own_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(zoneinfo, "TZPATH", (str(a_release(tmp_path, "2025b", OLD_VANCOUVER).folder),))
    trigger, clock = a_draft("0 9 * * *", "America/Vancouver").trigger, clock_zone("America/Vancouver")
    found = crontab_expressions(trigger, clock, day=date(2026, 11, 20)).expressions
    start = datetime(2026, 11, 20, tzinfo=UTC)
    due = set(trigger.occurrences(start, start + timedelta(days=200)))
    # In winter this system's clock shows 8:00 when it is 9:00 by the package.
    assert any(line.startswith("0 8 ") for line in found)
    assert due <= table_fires(found, clock, start, 201)


def test_wasted_wake_ups_are_those_of_the_schedules_own_lines() -> None:
    found = wake_ups_of(a_draft("30 1 * * *"), zone_name="Europe/Berlin", now=NOW)
    assert (found.runs, found.wasted) == (365, 4)


def test_ten_thousand_schedules_are_worked_out_once_for_each_trigger() -> None:
    crontab_expressions.cache_clear()
    drafts = [a_draft(f"{pk % 50} 3 * * *", "Asia/Tokyo", pk=pk) for pk in range(1, 10_001)]
    found = groups(*drafts)
    assert crontab_expressions.cache_info().misses == len(found) == 50
    assert lines.count(found) == 100
    assert lines.render(found, command="/x", zone="UTC").count(b"\n") == 102
