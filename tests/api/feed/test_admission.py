"""Who may open a WebSocket."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User
from pytest_django import Settings

from api.feed.admission import NotAllowed, from_foreign_page, subprotocol, visitor_of
from api.feed.connections import Visitor
from api.models import ApiToken
from tests.tokens import token_for


def scope(
    headers: dict[str, str] | None = None, subprotocols: tuple[str, ...] = (), user: Any = None
) -> dict[str, Any]:
    """The ASGI scope of a socket, with the session's user."""
    pairs = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
    return {"headers": pairs, "subprotocols": list(subprotocols), "user": user or AnonymousUser()}


@pytest.fixture
def user(db: None) -> User:
    made = User.objects.create_user("somebody")
    made.groups.add(Group.objects.create(name="viewer"))
    return made


@pytest.fixture
def token(user: User) -> str:
    return token_for(user)


def test_a_token_is_known_in_the_header_and_among_the_subprotocols(user: User, token: str) -> None:
    visitor = Visitor(user.pk, ApiToken.objects.get().pk)
    assert visitor_of(scope({"Authorization": f"Bearer {token}"})) == visitor
    assert visitor_of(scope({"authorization": f"bearer  {token}"})) == visitor
    assert visitor_of(scope(subprotocols=("bearer", token))) == visitor


def test_only_the_name_of_the_subprotocol_is_agreed_to(token: str) -> None:
    assert subprotocol(scope(subprotocols=("bearer", token))) == "bearer"
    assert subprotocol(scope(subprotocols=("other",))) is None


@pytest.mark.parametrize(
    ("headers", "subprotocols"),
    [
        ({"Authorization": "Bearer " + "0" * 64}, ()), ({"Authorization": "Basic abc"}, ()), ({}, ("bearer",)),
        ({"Authorization": "Bearer"}, ()), ({"Authorization": ""}, ()), ({}, ("bearer", "\xe9" * 20)),
    ],
)  # fmt: skip
def test_a_token_that_is_wrong_counts_more_than_a_session(
    user: User, headers: dict[str, str], subprotocols: tuple[str, ...]
) -> None:
    assert visitor_of(scope(headers, subprotocols, user)) is None


def test_a_session_is_accepted(user: User) -> None:
    assert visitor_of(scope(user=user)) == Visitor(user.pk, None)
    assert visitor_of(scope()) is None
    user.is_active = False
    assert visitor_of(scope(user=user)) is None


def test_a_user_without_a_role_may_follow_nothing(user: User, token: str) -> None:
    user.groups.clear()
    for asked in (scope(user=user), scope({"Authorization": f"Bearer {token}"})):
        with pytest.raises(NotAllowed):
            visitor_of(asked)


def test_a_token_needs_the_scope_to_read(user: User) -> None:
    token = token_for(user, scopes=["run", "write", "admin"])
    with pytest.raises(NotAllowed):
        visitor_of(scope({"Authorization": f"Bearer {token}"}))


@pytest.mark.parametrize(
    ("origin", "foreign"),
    [
        ("https://tandem.example", False), ("http://tandem.example:8000", False), ("http://[::1]:8000", False),
        ("https://evil.example", True), ("https://tandem.example.evil.example", True), ("null", True), ("", True),
        ("https://[::1", True),
    ],
)  # fmt: skip
def test_pages_of_other_sites_are_told_from_ours(settings: Settings, origin: str, foreign: bool) -> None:
    settings.ALLOWED_HOSTS = ["tandem.example", "[::1]"]
    assert from_foreign_page(scope({"Origin": origin})) is foreign


def test_a_program_has_no_origin() -> None:
    assert not from_foreign_page(scope())
