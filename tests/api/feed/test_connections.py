"""Which live connections may stay, and how many there may be."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from pytest_django import Settings

from api.feed import connections
from api.feed.connections import Connections, TooManyConnections, Visitor, is_full, still_admitted
from api.models import ApiToken
from tests.tokens import token_for


@pytest.fixture
def user(db: None) -> User:
    made = User.objects.create_user("somebody")
    made.groups.add(Group.objects.create(name="viewer"))
    return made


@pytest.fixture
def visitor(user: User) -> Visitor:
    token_for(user)
    return Visitor(user.pk, ApiToken.objects.get().pk)


def test_who_is_let_in_may_stay(user: User, visitor: Visitor) -> None:
    session = Visitor(user.pk, None)
    assert still_admitted([visitor, session]) == {visitor, session}


def test_who_holds_a_revoked_token_must_go_and_the_session_stays(user: User, visitor: Visitor) -> None:
    ApiToken.objects.update(revoked_at=timezone.now())
    session = Visitor(user.pk, None)
    assert still_admitted([visitor, session]) == {session}


def test_who_holds_an_expired_token_must_go(visitor: Visitor) -> None:
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert still_admitted([visitor]) == set()


def test_who_has_no_role_or_account_any_more_must_go(user: User, visitor: Visitor) -> None:
    user.groups.clear()
    assert still_admitted([visitor, Visitor(user.pk, None)]) == set()
    user.groups.add(Group.objects.get())
    User.objects.update(is_active=False)
    assert still_admitted([visitor, Visitor(user.pk, None)]) == set()


def test_no_more_than_are_allowed_and_each_that_ends_makes_room(settings: Settings) -> None:
    settings.TANDEM_LIVE_CONNECTIONS = 2
    one, other, places = Visitor(1, 1), Visitor(1, 2), Connections()

    async def come_and_go() -> None:
        async with AsyncExitStack() as stack:
            for _ in range(2):
                await stack.enter_async_context(places.place(one, lambda: None))
            assert is_full(one)
            with pytest.raises(TooManyConnections):
                await stack.enter_async_context(places.place(one, lambda: None))
            await stack.enter_async_context(places.place(other, lambda: None))
        assert not is_full(one)
        async with places.place(one, lambda: None):
            pass

    asyncio.run(come_and_go())


def test_a_look_that_fails_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: Iterator[RuntimeError | set[Visitor]] = iter([RuntimeError("a fault"), set()])

    def look(_: object) -> set[Visitor]:
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(connections, "still_admitted", look)
    monkeypatch.setattr(connections, "LOOK_SECONDS", 0)

    async def stay() -> None:
        gone = asyncio.Event()
        async with Connections().place(Visitor(1, 1), gone.set):
            await gone.wait()

    asyncio.run(stay())
