"""Browsers without a screen: Django's client, logged in with each role."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client


def browser_as(role: str) -> Client:
    """A client whose user has `role` and has logged in."""
    user = User.objects.create_user(username=f"{role}-{User.objects.count()}")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def viewer(db: None) -> Client:
    return browser_as("viewer")


@pytest.fixture
def operator(db: None) -> Client:
    return browser_as("operator")


@pytest.fixture
def admin(db: None) -> Client:
    """A browser of somebody who may do everything."""
    return browser_as("admin")
