"""Many schedules at once: what it will do is shown first, then done, and can be taken back."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from dashboard.schedules.undo import FOR, KEPT
from scheduling import drafts
from scheduling.models import Schedule
from tests.conftest import a_schedule, at


def three() -> list[Schedule]:
    return [a_schedule(name=f"report {number}", key=f"report-{number}") for number in range(3)]


def do(client: Client, what: str, chosen: list[Schedule], **more: Any) -> Any:
    return client.post("/schedules/bulk/", {"do": what, "pk": [each.pk for each in chosen], **more})


def paused() -> list[bool]:
    return list(Schedule.objects.order_by("pk").values_list("paused", flat=True))


def test_nothing_is_done_before_it_is_confirmed(operator: Client) -> None:
    rows = three()
    page = do(operator, "pause", rows[:2]).content.decode()
    assert "Pause 2 schedules?" in page
    assert "report 1" in page
    assert "report 2" not in page
    assert not any(paused())


def test_pause_and_undo_touch_only_what_they_changed(operator: Client) -> None:
    rows = three()
    do(operator, "pause", rows[:1], confirmed="yes")
    assert "It is paused already." in do(operator, "pause", rows).content.decode()
    do(operator, "pause", rows, confirmed="yes")
    assert paused() == [True, True, True]
    assert "Last: pause of 2 schedules." in operator.get("/schedules/").content.decode()
    operator.post("/schedules/undo/")
    assert paused() == [True, False, False]
    assert "Last:" not in operator.get("/schedules/").content.decode()


def test_move_says_where_each_goes_and_why_one_cannot(operator: Client) -> None:
    rows = [*three(), a_schedule(name="often", every=5)]
    page = do(operator, "move", rows, to="crontab").content.decode()
    assert "Move 3 schedules to crontab?" in page
    assert "crontab on testhost" in page
    do(operator, "move", rows, to="crontab", confirmed="yes")
    routed = Schedule.objects.order_by("pk").values_list("routed_to", flat=True)
    assert list(routed) == ["crontab"] * 3 + ["beat"]
    operator.post("/schedules/undo/")
    assert set(Schedule.objects.values_list("routed_to", "host")) == {("beat", "")}


def test_what_was_deleted_comes_back_as_it_was_asked_for(operator: Client) -> None:
    row = a_schedule(
        name="report", key="report", cron="5 4 * * 1", timezone="Europe/Berlin", parameters={"steps": 2},
        grace=timedelta(minutes=9), starts_at=at("2027-01-01 00:00"), retries={"max": 3},
    )  # fmt: skip
    asked = {
        name: value for name, value in drafts.asked_of(row).items() if name in drafts.ScheduleFields.__annotations__
    }
    assert "Delete 1 schedule?" in do(operator, "delete", [row]).content.decode()
    do(operator, "delete", [row], confirmed="yes")
    assert not Schedule.objects.exists()
    operator.post("/schedules/undo/")
    found = Schedule.objects.get()
    assert {name: getattr(found, name) for name in asked} == asked


def test_after_a_while_nothing_is_taken_back(operator: Client) -> None:
    do(operator, "pause", three(), confirmed="yes")
    session = operator.session
    session[KEPT] = {**session[KEPT], "at": (at("2026-01-01 00:00") - FOR).isoformat()}
    session.save()
    assert "Last:" not in operator.get("/schedules/").content.decode()
    answer = operator.post("/schedules/undo/", follow=True)
    assert "There is nothing to take back any more." in answer.content.decode()
    assert all(paused())


def test_all_that_match_are_chosen_and_no_others(operator: Client) -> None:
    for number in range(60):
        a_schedule(name=f"report {number}")
    other = a_schedule(name="backup")
    page = do(operator, "pause", [], all="yes", query="q=report").content.decode()
    assert "Pause 60 schedules?" in page
    assert "and 10 more" in page
    [chosen] = re.findall(r'name="pk" value="([0-9,]+)"', page)
    operator.post("/schedules/bulk/", {"do": "pause", "pk": chosen, "confirmed": "yes"})
    assert list(Schedule.objects.filter(paused=False)) == [other]
    operator.post("/schedules/undo/")
    assert not any(paused())


def test_all_of_a_host_are_listed_and_chosen(operator: Client) -> None:
    a_schedule(name="on the host", backend="crontab")
    a_schedule(name="of Beat")
    page = operator.get("/schedules/?host=testhost").content.decode()
    assert ("on the host" in page, "of Beat" in page) == (True, False)
    assert "All that match" in page
    assert "Pause 1 schedule?" in do(operator, "pause", [], all="yes", query="host=testhost").content.decode()


def test_more_than_a_thousand_are_refused(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    three()
    monkeypatch.setattr("scheduling.bulk.chosen.MOST", 2)
    answer = operator.post("/schedules/bulk/", {"do": "pause", "all": "yes", "query": ""}, follow=True)
    assert "More than 2 match" in answer.content.decode()
    assert not any(paused())


def test_nothing_chosen_is_said(operator: Client) -> None:
    for what, rows in (("pause", []), ("explode", three())):
        answer = operator.post("/schedules/bulk/", {"do": what, "pk": [row.pk for row in rows]}, follow=True)
        assert "Choose schedules, and what to do with them." in answer.content.decode()


@pytest.mark.parametrize("address", ["/schedules/bulk/", "/schedules/undo/"])
def test_a_viewer_may_not(viewer: Client, address: str) -> None:
    assert viewer.post(address).status_code == 403
    assert 'name="pk"' not in viewer.get("/schedules/").content.decode()
