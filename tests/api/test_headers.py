"""Security headers: on every answer, and the pages keep to them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from api.headers import DATA_POLICY, PAGE_POLICY
from tests.api.asking import made
from tests.api.conformance import CheckedClient

PAGES = [
    "/api/docs/", "/admin/login/", "/admin/", "/admin/auth/user/", "/admin/auth/user/add/", "/admin/auth/group/add/",
    "/admin/nothing/", "/nothing/", "/admin/password_change/",
]  # fmt: skip


@pytest.fixture
def root(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_a_strict_policy_and_nothing_inline(root: Client, path: str) -> None:
    response = root.get(path, follow=True)
    assert response.headers["Content-Type"].startswith("text/html")
    assert response.headers["Content-Security-Policy"] == PAGE_POLICY
    assert "unsafe" not in PAGE_POLICY
    html = response.content.decode()
    assert re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", html) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", html) == []


def test_the_one_inline_script_of_another_application_is_not_run(root: Client) -> None:
    """It shows a crontab in words beside the form for rows of Beat that are not ours. The form works without it."""
    response = root.get("/admin/django_celery_beat/periodictask/add/")
    assert '<script id="periodic-task-overrides">' in response.content.decode()
    assert response.headers["Content-Security-Policy"] == PAGE_POLICY


def test_the_script_of_the_api_page_is_a_file_of_its_own(client: Client) -> None:
    [address] = re.findall(r'src="(/api/docs/[^"]*)"', client.get("/api/docs/").content.decode())
    response = client.get(address)
    assert response.headers["Content-Type"].startswith("application/javascript")
    assert "/api/schema/" in response.content.decode()


@pytest.mark.parametrize("path", ["/api/", "/api/schedules/", "/api/tokens/", "/api/schema/", "/api/docs/", "/api/x/"])
def test_nothing_of_the_api_is_kept_by_a_cache(root: Client, path: str) -> None:
    assert root.get(path).headers["Cache-Control"] == "no-store"


def test_what_is_no_page_loads_and_runs_nothing(operator: CheckedClient, crontab: object) -> None:
    made(operator)
    responses: list[Any] = [operator.get("/api/schedules/"), Client().get("/api/schedules/"), Client().get("/healthz")]
    for response in responses:
        assert response.headers["Content-Security-Policy"] == DATA_POLICY
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "camera=()" in response.headers["Permissions-Policy"]


def test_pages_tell_other_sites_nothing_of_where_somebody_came_from(root: Client) -> None:
    headers = root.get("/admin/").headers
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
