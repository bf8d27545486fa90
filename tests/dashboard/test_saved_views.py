"""Saved views: kept for one user, shown above the list, renamed and deleted."""

from __future__ import annotations

import re

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from dashboard.models import SavedView
from dashboard.saved_views import MOST
from tests.conftest import a_schedule, at
from tests.dashboard.conftest import browser_as
from tests.dashboard.test_pages import text_of


def save(client: Client, query: str = "state=paused", *, name: str = "Paused", page: str = "schedules") -> str:
    answer = client.post("/views/", {"name": name, "page": page, "query": query, "next": f"/{page}/?{query}"})
    assert answer.status_code == 302
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def links(page: str) -> list[tuple[str, str]]:
    shown = re.search('<nav class="views".*?</nav>', page, re.DOTALL)
    return re.findall(r'href="([^"]+)".*?</svg>([^<]+)</a>', shown[0], re.DOTALL) if shown else []


def test_a_view_is_a_link_above_its_list_for_who_saved_it(viewer: Client, operator: Client) -> None:
    assert "Save this view" not in text_of(viewer, "/schedules/")
    assert "Save this view" in text_of(viewer, "/schedules/?state=paused&q=")
    assert save(viewer, "state=paused&q=&before=12") == "The view Paused is saved."
    assert links(text_of(viewer, "/schedules/")) == [("/schedules/?state=paused", "Paused")]
    shown = text_of(viewer, "/schedules/?q=&state=paused")
    assert ("Save this view" in shown, "Rename or delete the view Paused" in shown) == (False, True)
    assert links(text_of(viewer, "/tasks/")) == links(text_of(operator, "/schedules/")) == []


def test_the_same_name_gets_other_filters_and_another_name_is_given(viewer: Client) -> None:
    save(viewer)
    save(viewer, "q=import&sort=due")
    view = SavedView.objects.get()
    assert view.query == "q=import&sort=due"
    viewer.post(f"/views/{view.pk}/rename/", {"name": "Imports"})
    assert links(text_of(viewer, "/schedules/")) == [("/schedules/?q=import&amp;sort=due", "Imports")]
    save(viewer)
    answer = viewer.post(f"/views/{view.pk}/rename/", {"name": "Paused"})
    assert [str(message) for message in get_messages(answer.wsgi_request)][-1] == "There is a view Paused already."
    viewer.post(f"/views/{view.pk}/delete/")
    assert list(SavedView.objects.values_list("name", flat=True)) == ["Paused"]


def test_the_view_of_somebody_else_cannot_be_touched(viewer: Client, operator: Client) -> None:
    save(viewer)
    view = SavedView.objects.get()
    assert operator.post(f"/views/{view.pk}/delete/").status_code == 302
    operator.post(f"/views/{view.pk}/rename/", {"name": "Mine"})
    assert SavedView.objects.get().name == "Paused"


@pytest.mark.parametrize(
    "asked",
    [
        {"name": " "},
        {"name": "x" * 61},
        {"name": "a\x00b"},
        {"page": "nowhere"},
        {"query": "before=3"},
        {"query": "q=" + "x" * 1_000},
    ],
)
def test_what_is_no_view_is_refused(viewer: Client, asked: dict[str, str]) -> None:
    answer = viewer.post("/views/", {"name": "A", "page": "schedules", "query": "q=a", **asked})
    assert answer.status_code == 302
    assert not SavedView.objects.exists()


def test_there_is_room_for_some_only(viewer: Client) -> None:
    for number in range(MOST):
        save(viewer, name=f"view {number}")
    assert "delete one first" in save(viewer, name="one more")
    assert "is saved" in save(viewer, "q=other", name="view 0")


def test_a_schedule_list_has_three_orders_and_each_has_every_row_once(viewer: Client) -> None:
    now = at("2026-11-20 00:30")
    crons = [f"{number % 60} {number // 60} * * *" for number in range(70)]
    names = [a_schedule(now=now, name=f"number {number:03}", cron=cron).name for number, cron in enumerate(crons)]
    a_schedule(name="paused", paused=True)

    def listed(query: str) -> list[str]:
        found, address = list[str](), f"/schedules/?{query}"
        while address:
            page = text_of(viewer, address)
            found += re.findall(r'class="title"><a href="/schedules/\d+/">([^<]+)</a>', page)
            following = re.search(r'href="([^"]+)" rel="next"', page)
            address = f"/schedules/{following[1].replace('&amp;', '&')}" if following else ""
        return found

    assert listed("") == ["paused", *reversed(names)]
    assert listed("sort=oldest") == [*names, "paused"]
    # Those whose time of day has passed come tomorrow.
    assert listed("sort=due") == [*names[31:], *names[:31]]


def test_tasks_can_be_read_from_the_oldest(db: None) -> None:
    viewer = browser_as("viewer")
    assert "Oldest first" in text_of(viewer, "/tasks/?sort=oldest")
    assert viewer.get("/schedules/?sort=due&before=rubbish~9").status_code == 200
    assert viewer.get("/schedules/?sort=nothing").status_code == 200
