"""Rows of occurrences that somebody skipped, beside the row that a long outage leaves for many."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduling import dispatch, skip_and_backfill
from scheduling.models import Task
from scheduling.verification import occurrences
from scheduling.verification.mismatch import Scope
from scheduling.verification.occurrences import check_schedule
from tests.conftest import a_schedule, at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recorded")]

NOW = at("2026-11-20 10:00")
MINUTE = timedelta(minutes=1)
AFTER = NOW + timedelta(days=3)


@pytest.mark.parametrize(
    ("skipped_after", "count"),
    # Skipped before the outage, and while it lasts: then the row for many is before theirs.
    [(0, 1), (0, 3), (10, 3), (0, 1_000)],
)
def test_a_catch_up_over_skipped_occurrences_leaves_no_hole(skipped_after: int, count: int) -> None:
    schedule = a_schedule(now=NOW, cron="* * * * *")
    skipped = skip_and_backfill.skip(schedule.pk, count, now=NOW + skipped_after * MINUTE)
    assert len(dispatch.dispatch_due("beat", now=AFTER)) == 1
    schedule.refresh_from_db()
    assert list(check_schedule(schedule, Scope(AFTER), kept_from=NOW)) == []
    told = Task.objects.filter(schedule=schedule, reason__startswith="missed, like all occurrences before")
    assert told.count() == 1
    assert Task.objects.filter(schedule=schedule, status="SKIPPED").count() == len(skipped) == count


def test_where_everything_of_an_outage_was_skipped_no_row_stands_for_it() -> None:
    schedule = a_schedule(now=NOW, cron="0 0 * * *")
    skip_and_backfill.skip(schedule.pk, 9, now=NOW)
    dispatch.dispatch_due("beat", now=NOW + timedelta(days=9))
    schedule.refresh_from_db()
    assert list(check_schedule(schedule, Scope(NOW + timedelta(days=9)), kept_from=NOW)) == []
    assert set(Task.objects.filter(schedule=schedule).values_list("status", flat=True)) == {"SKIPPED"}


def test_a_hole_after_such_a_row_is_still_found() -> None:
    schedule = a_schedule(now=NOW, cron="* * * * *")
    skip_and_backfill.skip(schedule.pk, 3, now=NOW + 10 * MINUTE)
    dispatch.dispatch_due("beat", now=AFTER)
    schedule.refresh_from_db()
    Task.objects.filter(schedule=schedule, due_at=AFTER - 9 * MINUTE).delete()
    [mismatch] = check_schedule(schedule, Scope(AFTER), kept_from=NOW)
    assert mismatch.check == "occurrences: missing"


def test_a_hole_says_how_many_occurrences_it_has() -> None:
    schedule = a_schedule(now=NOW, every=1)
    schedule.cursor = AFTER
    [hole] = (each for each in check_schedule(schedule, Scope(AFTER), kept_from=NOW) if "missing" in each.check)
    assert hole.found.startswith("259200 occurrences from 2026-11-20 10:00:01.000 UTC on have no row")


def test_a_cursor_far_in_the_future_does_not_have_all_its_occurrences_counted() -> None:
    schedule = a_schedule(now=NOW, cron="* * * * *")
    schedule.cursor = at("9999-12-31 00:00")
    [hole] = (each for each in check_schedule(schedule, Scope(AFTER), kept_from=NOW) if "missing" in each.check)
    assert hole.found.startswith("527041 or more occurrences from 2026-11-20 10:01:00.000 UTC on have no row")


def test_a_schedule_of_which_every_other_row_is_missing_is_not_looked_at_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(occurrences, "_MOST_HOLES", 3)
    schedule = a_schedule(now=NOW, cron="* * * * *", catch_up="all", overlap="queue")
    dispatch.dispatch_due("beat", now=NOW + 20 * MINUTE)
    schedule.refresh_from_db()
    Task.objects.filter(due_at__in=[NOW + minutes * MINUTE for minutes in range(2, 20, 2)]).delete()
    found = [each.found for each in check_schedule(schedule, Scope(NOW + 20 * MINUTE), kept_from=NOW)]
    assert len(found) == 4
    assert found[-1] == "so far 3 holes, and nothing after 2026-11-20 10:07:00.000 UTC was looked at"
