"""Who has which role: only admins see and change it, and one admin is always left."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from scheduling.roles import Role, role_of
from tests.dashboard.conftest import browser_as


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_admins_see_members(db: None, role: str) -> None:
    assert browser_as(role).get("/settings/members/").status_code == 403
    assert "Members" not in browser_as(role).get("/settings/").content.decode()


def test_an_admin_gives_one_role_and_takes_the_others(admin: Client) -> None:
    user = User.objects.create_user("ada")
    for role, found in {"operator": Role.OPERATOR, "viewer": Role.VIEWER, "none": None}.items():
        admin.post(f"/settings/members/{user.pk}/role/", {"role": role})
        assert role_of(user) == found
    assert user.groups.count() == 0


def test_nobody_changes_their_own_role_or_a_superusers(admin: Client) -> None:
    me = User.objects.get()
    root = User.objects.create_superuser("root")
    for user in (me, root):
        admin.post(f"/settings/members/{user.pk}/role/", {"role": "none"})
        assert role_of(user) == Role.ADMIN
    assert "Another admin must change your role" in admin.get("/settings/members/").content.decode()


def test_an_unknown_role_or_user_is_refused(admin: Client) -> None:
    user = User.objects.create_user("ada")
    assert admin.post(f"/settings/members/{user.pk}/role/", {"role": "god"}).status_code in {302, 404}
    assert admin.post("/settings/members/999/role/", {"role": "viewer"}).status_code in {302, 404}
    assert role_of(user) is None


def test_many_members_cost_as_many_statements_as_few(admin: Client) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert admin.get("/settings/members/").status_code == 200
        return len(asked)

    browser_as("viewer")
    few = statements()
    for _ in range(20):
        browser_as("viewer")
    assert statements() == few
    assert "viewer-1" in admin.get("/settings/members/?q=viewer-1").content.decode()
