"""Fixtures and factories (plain functions) for all tests. No test may connect to another machine."""

from __future__ import annotations

import signal
import time
from datetime import UTC, datetime
from typing import Any

import hypothesis
import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from scheduling import actors, clock, schedules
from scheduling.clock import Clock
from scheduling.execution import watch_thread
from scheduling.executor import executor
from scheduling.models import Schedule
from tests.recording import SETTINGS_EXECUTORS, RecordingExecutor
from tests.tokens import token_for

# No deadline: a slow machine is no failure, because no assertion depends on time.
hypothesis.settings.register_profile("tandem", deadline=None)
hypothesis.settings.load_profile("tandem")

# A shell starts what runs in its background with SIGINT ignored, and every process of a test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["tests.servers.plugin", "tests.slow_first", "tests.compiled_together", "tests.row_numbers"]


def client_as(role: str) -> APIClient:
    """An API client whose user has `role`."""
    user = User.objects.create_user(username=f"{role}-{User.objects.count()}")
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token_for(user)}")
    return client


@pytest.fixture(autouse=True)
def _own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """In tests the database's clock is this machine's: no statement more now and then, and no database needed."""
    monkeypatch.setattr(clock, "_clock", Clock(timezone.now, time.monotonic, timezone.now))


@pytest.fixture(autouse=True)
def _new_actors() -> None:
    """The rows of actors that an earlier test stored are gone."""
    actors.forget()


@pytest.fixture(autouse=True)
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """No look at the ledger while a job runs, however slow the machine: tests that want one say so.

    The thread that looks has a connection of its own. It does not see a task that lives in the transaction of a test,
    and would take its attempt for given up.
    """
    monkeypatch.setattr(watch_thread, "LOOK_EVERY", 3600.0)


@pytest.fixture
def operator(db: None) -> APIClient:
    """A client with the role operator."""
    return client_as("operator")


def a_schedule(*, now: datetime | None = None, **wanted: Any) -> Schedule:
    """A stored and installed schedule: every five minutes on Beat unless said otherwise."""
    asked = {
        "name": "a schedule",
        "job": "demo.process_data",
        "cron": "*/5 * * * *",
        "backend": "beat",
    } | wanted
    if asked.get("every") is not None:
        asked["cron"] = ""
    return schedules.create(now=now or timezone.now(), **asked)


def at(text: str) -> datetime:
    """A UTC time from `2026-11-20 10:00[:00]`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def recorded(settings: Settings) -> RecordingExecutor:
    """The tasks that were handed to workers: recorded instead of published."""
    settings.TANDEM_EXECUTORS = SETTINGS_EXECUTORS
    found = executor("worker")
    assert isinstance(found, RecordingExecutor)
    return found
