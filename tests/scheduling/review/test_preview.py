"""Preview of a change: nothing is stored, and the shown occurrences are those of the changed schedule."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from scheduling import queries, schedules
from scheduling.errors import InvalidRequest, NotFound
from scheduling.models import Schedule
from scheduling.review.preview import MOST_OCCURRENCES, compare, preview
from scheduling.timing.zones import zone as zone_named
from tests.conftest import a_schedule, at

NOW = at("2026-11-20 10:00")
UTC, BERLIN = zone_named("UTC"), zone_named("Europe/Berlin")


def times(*texts: str) -> list[datetime]:
    return [at(f"2026-11-{text}") for text in texts]


def test_a_later_hour_moves_each_day() -> None:
    found = compare(
        times("21 03:00", "22 03:00"), times("21 04:00", "22 04:00"), until=at("2026-12-01 00:00"), zones=(UTC, UTC)
    )
    assert found.moved == tuple(zip(times("21 03:00", "22 03:00"), times("21 04:00", "22 04:00"), strict=True))
    assert (found.appear, found.vanish, found.unchanged) == ((), (), 0)


def test_what_comes_twice_as_often_appears() -> None:
    found = compare(
        times("21 03:00", "22 03:00"),
        times("21 03:00", "21 15:00", "22 03:00"),
        until=at("2026-12-01 00:00"),
        zones=(UTC, UTC),
    )
    assert (found.unchanged, list(found.appear), found.vanish, found.moved) == (2, times("21 15:00"), (), ())


def test_another_zone_moves_occurrences_by_their_own_dates() -> None:
    # 00:30 in Berlin is the day before in UTC: each still moves to its own date's.
    found = compare(
        times("20 23:30", "21 23:30"), times("21 00:30", "22 00:30"), until=at("2026-12-01 00:00"), zones=(BERLIN, UTC)
    )
    assert found.moved == tuple(zip(times("20 23:30", "21 23:30"), times("21 00:30", "22 00:30"), strict=True))


def test_too_many_are_compared_as_far_as_both_are_known() -> None:
    each_second = [NOW + timedelta(seconds=count) for count in range(MOST_OCCURRENCES)]
    each_minute = [NOW + timedelta(minutes=count) for count in range(200)]
    found = compare(each_second, each_minute, until=NOW + timedelta(days=7), zones=(UTC, UTC))
    assert found.until == each_second[-1]
    assert found.appear == ()
    assert found.unchanged == 84


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wanted",
    [
        {"cron": "0 4 * * *"}, {"timezone": "Asia/Tokyo"}, {"every": 3600}, {"paused": True},
        {"cron": "0 3,15 * * 1-5"},
        {"ends_at": at("2026-11-22 00:00")}, {"starts_at": at("2026-11-23 00:00")}, {"name": "another"},
        {"backend": "crontab"},
    ],
)  # fmt: skip
def test_the_preview_matches_the_change(wanted: dict[str, Any], settings: Any, tmp_path: Any) -> None:
    settings.TANDEM_CRONTAB = f"file:{tmp_path / 'crontab'}"
    schedule = a_schedule(cron="0 3 * * *", timezone="Europe/Berlin", now=NOW)
    row = Schedule.objects.filter(pk=schedule.pk).values().get()
    until = NOW + timedelta(days=7)

    def coming() -> set[datetime]:
        return {one for one in queries.next_occurrences(queries.schedule(schedule.pk), count=500) if one <= until}

    before = coming()
    found = preview(schedule.pk, days=7, now=NOW, **wanted)
    assert Schedule.objects.filter(pk=schedule.pk).values().get() == row
    changed = schedules.update(schedule.pk, now=NOW, **wanted)
    after = coming()
    one = found.difference
    assert set(one.appear) | {new for _, new in one.moved} == after - before
    assert set(one.vanish) | {old for old, _ in one.moved} == before - after
    assert one.unchanged == len(before & after)
    assert (found.after.backend, found.after.timezone) == (changed.routed_to, changed.timezone)


@pytest.mark.django_db
def test_a_move_shows_where_and_what_would_be_installed(settings: Any, tmp_path: Any) -> None:
    settings.TANDEM_CRONTAB = f"file:{tmp_path / 'crontab'}"
    schedule = a_schedule(now=NOW)
    found = preview(schedule.pk, days=1, now=NOW, backend="crontab")
    assert (found.before.backend, found.after.backend) == ("beat", "crontab")
    assert found.before.entries
    assert found.after.entries[0].endswith(" due")
    assert (found.difference.appear, found.difference.vanish, found.difference.moved) == ((), (), ())
    assert not (tmp_path / "crontab").exists()


@pytest.mark.django_db
def test_a_change_that_would_be_refused_is_refused_here_too() -> None:
    schedule = a_schedule(now=NOW)
    with pytest.raises(InvalidRequest):
        preview(schedule.pk, days=7, now=NOW, cron="22-2 * * * *")
    with pytest.raises(NotFound):
        preview(schedule.pk + 1, days=7, now=NOW)


@pytest.mark.django_db
def test_words_before_and_after_come_in_the_language() -> None:
    schedule = a_schedule(cron="0 3 * * *", now=NOW)
    found = preview(schedule.pk, days=1, now=NOW, language="de", cron="0 4 * * *")
    assert (found.before.words, found.after.words) == ("Um 03:00 Uhr, Zeitzone UTC", "Um 04:00 Uhr, Zeitzone UTC")
