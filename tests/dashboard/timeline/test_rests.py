"""When a lane rests: paused, not begun, ended."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.timeline.heat import heat
from dashboard.timeline.rests import Stretch, pauses, rests
from dashboard.timeline.window import window
from scheduling import schedules
from scheduling.models import Task
from tests.conftest import a_schedule, at

NOW = at("2026-11-20 12:00")
SHOWN = window(QueryDict(), NOW)
ONE, TWO, THREE = (NOW + timedelta(hours=number) for number in range(3))


@pytest.mark.parametrize(
    ("changes", "is_paused", "expected"),
    [
        ([], False, []),
        ([], True, [(None, None)]),
        ([(ONE, None, True)], True, [(ONE, None)]),
        ([(ONE, False, True), (TWO, True, False)], False, [(ONE, TWO)]),
        # The log was pruned: it was paused before what is known.
        ([(TWO, True, False), (THREE, False, True)], True, [(None, TWO), (THREE, None)]),
        ([(ONE, None, False)], False, []),
    ],
)
def test_pauses_are_read_from_the_changes(
    changes: list[tuple[datetime, bool, bool]], is_paused: bool, expected: list[Stretch]
) -> None:
    assert pauses(changes, now=is_paused) == expected


@pytest.mark.django_db
def test_a_lane_rests_while_it_is_paused_and_outside_of_its_start_and_end() -> None:
    paused = a_schedule(now=NOW - timedelta(days=2))
    schedules.pause(paused.pk, now=NOW - timedelta(hours=6))
    schedules.resume(paused.pk, now=NOW - timedelta(hours=3))
    bounded = a_schedule(
        now=NOW, starts_at=NOW + timedelta(hours=3), ends_at=NOW + timedelta(hours=9), cron="0 * * * *"
    )
    always = a_schedule(now=NOW)
    with CaptureQueriesContext(connection) as asked:
        found = rests([paused, bounded, always], SHOWN)
    assert len(asked) == 1
    assert [(rest.why, rest.x, rest.width) for rest in found[paused.pk]] == [("Paused", 250.0, 125.0)]
    assert [(rest.why, rest.x, rest.width) for rest in found[bounded.pk]] == [
        ("Not begun", 0.0, 625.0), ("Ended", 875.0, 125.0),
    ]  # fmt: skip
    assert found[always.pk] == []


def test_a_rest_is_drawn_and_stands_in_the_table(viewer: Client) -> None:
    schedule = a_schedule(now=NOW, paused=True)
    page = viewer.get(f"/timeline/?q={schedule.name}").content.decode()
    assert '<path class="rest" d="M0.0 3h1000.0v18h-1000.0z"><title>Paused</title></path>' in page
    assert "<td>paused</td>" in page


@pytest.mark.django_db
def test_a_heat_map_marks_the_night_when_clocks_change() -> None:
    a_schedule(now=NOW, timezone="Europe/Berlin")
    shown = window(QueryDict("span=week&from=2026-10-20"), NOW)
    found = heat(shown, tasks=Task.objects.all(), now=NOW)
    assert [(f"{row.at:%m-%d}", change.zone, change.forward) for row in found.rows for change in row.clocks] == [
        ("10-25", "Europe/Berlin", False)
    ]
