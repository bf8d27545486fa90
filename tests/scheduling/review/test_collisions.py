"""How many other stored schedules are due at the same minute."""

from __future__ import annotations

import pytest

from scheduling.models import Schedule
from scheduling.review.collisions import MANY, same_minute
from tests.conftest import a_schedule, at

NOW = at("2026-11-20 10:00")


def crowded(cron: str, count: int, **wanted: object) -> None:
    first = a_schedule(cron=cron, now=NOW, **wanted)
    fields = {
        field.attname: getattr(first, field.attname)
        for field in Schedule._meta.concrete_fields
        if field.name not in {"id", "key"}
    }
    Schedule.objects.bulk_create(Schedule(**fields) for _ in range(count - 1))


@pytest.mark.django_db
@pytest.mark.parametrize(("count", "codes"), [(MANY - 1, []), (MANY, ["same_minute"])])
def test_many_others_at_the_minute_are_a_warning(count: int, codes: list[str]) -> None:
    crowded("0 3 * * *", count)
    assert [one.code for one in same_minute([at("2026-11-21 03:00")])] == codes
    assert same_minute([at("2026-11-21 03:01"), at("2026-11-21 02:59")]) == []


@pytest.mark.django_db
def test_the_minute_counts_whatever_the_zone_and_the_kind_of_trigger() -> None:
    crowded("0 3 * * *", 5)
    crowded("0 4 * * *", 4, timezone="Europe/Berlin")
    a_schedule(every=3600, now=NOW)
    [caution] = same_minute([at("2026-11-21 02:00"), at("2026-11-21 03:00")])
    assert caution.detail.startswith("10 other schedules are due at the same minute, at 2026-11-21 03:00 UTC")


@pytest.mark.django_db
def test_paused_schedules_and_those_without_a_zone_do_not_count() -> None:
    crowded("0 3 * * *", 20, paused=True)
    crowded("0 3 * * *", 20)
    Schedule.objects.filter(paused=False).update(timezone="Mars/Base")
    assert same_minute([at("2026-11-21 03:00")]) == []
