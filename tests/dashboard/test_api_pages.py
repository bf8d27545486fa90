"""A browser that opens an address of the API gets a page; a program gets JSON."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import resolve

from dashboard.api_pages import page_of
from tests.conftest import a_schedule

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("schedules/", "/schedules/"), ("schedules/7/", "/schedules/7/"), ("schedules/7/occurrences/", "/schedules/7/"),
        ("schedules/7/tasks/", "/tasks/?schedule=7"), ("tasks/7/log/", "/tasks/7/"), ("workflows/7/", "/workflows/7/"),
        ("backends/beat/", "/system/"), ("cron/review/", "/review/"), ("tokens/", "/settings/"), ("", "/api/docs/"),
        ("docs/", ""), ("schema/", ""), ("nothing/here/", ""), ("schedules/by-key/a/", ""),
    ],
)  # fmt: skip
def test_each_thing_of_the_api_has_its_page(path: str, page: str) -> None:
    assert page_of(path) == page
    if page:
        resolve(page.partition("?")[0])


@pytest.mark.parametrize("accept", ["application/json", "*/*", f"{BROWSER},application/json"])
def test_programs_get_json(viewer: Client, accept: str) -> None:
    answer = viewer.get("/api/schedules/", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert "Accept" in answer.headers["Vary"]


def test_a_browser_gets_the_page(viewer: Client) -> None:
    schedule = a_schedule(name="the import")
    answer = viewer.get(f"/api/schedules/{schedule.pk}/", headers={"Accept": BROWSER}, follow=True)
    assert answer.request["PATH_INFO"] == f"/schedules/{schedule.pk}/"
    assert "the import" in answer.content.decode()
    assert viewer.get("/api/docs/", headers={"Accept": BROWSER}).status_code == 200


def test_a_browser_that_posts_is_a_program(viewer: Client) -> None:
    answer = viewer.post("/api/schedules/", {}, content_type="application/json", headers={"Accept": BROWSER})
    assert answer.status_code in {400, 403}


def test_a_form_without_its_token_gets_a_page_that_says_what_to_do(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/login/", {"username": "a", "password": "b"})
    assert (answer.status_code, "This form is too old" in answer.content.decode()) == (403, True)
