"""The page of API tokens: shown once, revoked by whose they are, and by admins."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from api.models import ApiToken
from tests.dashboard.conftest import browser_as
from tests.tokens import token_for

NEW: dict[str, Any] = {"name": "deploy script", "scope": ["read", "run"], "days": "30"}


def test_the_text_of_a_new_token_is_shown_once_and_works(viewer: Client) -> None:
    answer = viewer.post("/settings/", NEW)
    found = re.search(r"tandem_[A-Za-z0-9]{43}", answer.content.decode())
    assert found is not None
    assert "no-store" in answer.headers["Cache-Control"]
    asked = Client().get("/api/schedules/", headers={"Authorization": f"Bearer {found[0]}"})
    assert asked.status_code == 200
    made = ApiToken.objects.get()
    assert (made.name, made.scopes, (made.expires_at - made.created_at).days) == ("deploy script", ["read", "run"], 30)
    assert found[0] not in viewer.get("/settings/").content.decode()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"), ({"name": "a" * 101}, "name"), ({"name": "a\x00"}, "name"), ({"scope": []}, "scope"),
        ({"scope": ["root"]}, "scope"), ({"days": "0"}, "days"), ({"days": "9999"}, "days"), ({"days": "x"}, "days"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_field(viewer: Client, wrong: dict[str, Any], field: str) -> None:
    answer = viewer.post("/settings/", {**NEW, **wrong})
    assert (answer.status_code, list(answer.context["faults"])) == (400, [field])
    assert not ApiToken.objects.exists()


def test_as_many_tokens_may_be_made_as_over_the_api(viewer: Client, settings: Settings) -> None:
    settings.TANDEM_TOKENS_AN_HOUR = 1
    assert [viewer.post("/settings/", NEW).status_code for _ in range(2)] == [200, 400]
    assert ApiToken.objects.count() == 1


def test_everybody_revokes_their_own_tokens_and_sees_no_others(viewer: Client) -> None:
    viewer.post("/settings/", NEW)
    mine = ApiToken.objects.get()
    other = User.objects.create_user("other")
    token_for(other)
    theirs = ApiToken.objects.get(user=other)
    assert theirs.prefix not in viewer.get("/settings/").content.decode()
    assert viewer.post(f"/settings/tokens/{theirs.pk}/revoke/", follow=True).status_code == 200
    viewer.post(f"/settings/tokens/{mine.pk}/revoke/")
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.revoked_at is None, theirs.revoked_at is None) == (False, True)
    assert "Revoked" in viewer.get("/settings/").content.decode()


def test_an_admin_revokes_everybodys_tokens(db: None) -> None:
    token_for(User.objects.create_user("other"))
    admin, token = browser_as("admin"), ApiToken.objects.get()
    assert token.prefix in admin.get("/settings/").content.decode()
    admin.post(f"/settings/tokens/{token.pk}/revoke/")
    token.refresh_from_db()
    assert token.revoked_at is not None
