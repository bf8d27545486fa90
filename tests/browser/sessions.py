"""Users who have logged in, without typing a password."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.db import SessionStore


def cookie_of(user: User) -> str:
    """The value of the session cookie of a browser in which this user has logged in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def an_admin(name: str) -> User:
    """A new user with the role admin."""
    user = User.objects.create_user(name)
    user.groups.add(Group.objects.get_or_create(name="admin")[0])
    return user
