"""POST /api/schedules/{id}/preview/: the effect of a change that is not stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.api.asking import made, of, pointers, stored
from tests.api.conformance import CheckedClient


def test_a_later_hour_moves_the_occurrences_and_stores_nothing(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator, cron="0 3 * * *", timezone="Asia/Tokyo")
    before = stored(crontab)
    found = operator.post(of(schedule, "preview") + "?days=3", {"cron": "0 4 * * *"}, format="json").json()
    assert found["counts"]["unchanged"] == 0
    assert found["counts"]["moved"] in {2, 3}
    one = found["moved"][0]
    assert (one["before"]["local"][11:16], one["after"]["local"][11:16]) == ("03:00", "04:00")
    assert (found["before"]["words"], found["after"]["words"]) == (
        "At 03:00, Asia/Tokyo time",
        "At 04:00, Asia/Tokyo time",
    )
    assert stored(crontab) == before
    german = operator.post(of(schedule, "preview") + "?language=de", {}, format="json").json()
    assert german["before"]["words"] == "Um 03:00 Uhr, Zeitzone Asia/Tokyo"


def test_a_move_between_backends_changes_no_occurrence(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator)
    found = operator.post(of(schedule, "preview"), {"backend": "crontab"}, format="json").json()
    assert (found["before"]["backend"], found["after"]["backend"]) == ("beat", "crontab")
    assert found["counts"]["unchanged"] > 2_000
    assert found["appear"] == found["vanish"] == found["moved"] == []


def test_long_lists_are_shortened_and_the_counts_are_whole(operator: CheckedClient, crontab: Path) -> None:
    schedule = made(operator)
    found = operator.post(of(schedule, "preview"), {"paused": True}, format="json").json()
    assert found["counts"]["vanish"] > len(found["vanish"]) == 1_000


def test_a_viewer_may_look(operator: CheckedClient, viewer: CheckedClient, crontab: Path) -> None:
    schedule = made(operator)
    assert viewer.post(of(schedule, "preview"), {"name": "x"}, format="json").status_code == 200
    assert viewer.post(of({"id": 999}, "preview"), {"name": "x"}, format="json").status_code == 404


@pytest.mark.parametrize(
    ("query", "body", "pointer"),
    [
        ("?days=0", {}, "/days"), ("?days=367", {}, "/days"), ("?days=x", {}, "/days"),
        ("", {"cron": "99 * * * *"}, "/cron"), ("", {"backend": "moon"}, "/backend"), ("", {"crno": "x"}, "/crno"),
    ],
)  # fmt: skip
def test_what_could_not_be_stored_is_refused(
    operator: CheckedClient, crontab: Path, query: str, body: dict[str, Any], pointer: str
) -> None:
    response = operator.post(of(made(operator), "preview") + query, body, format="json")
    assert response.status_code == 400
    assert pointers(response) == [pointer]
