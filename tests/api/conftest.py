"""Clients that check every answer against the schema, and a private crontab per test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from tests.api.conformance import CheckedClient
from tests.conftest import client_as

FOREIGN = b"MAILTO=root\n17 * * * * echo somebody else's\n"

Json = dict[str, Any]


def checked(role: str) -> CheckedClient:
    """A checked client whose user has `role`."""
    client = CheckedClient()
    client.credentials(**client_as(role)._credentials)  # type: ignore[attr-defined]  # the stubs leave it out
    return client


@pytest.fixture
def viewer(db: None) -> CheckedClient:
    """A client with the role viewer."""
    return checked("viewer")


@pytest.fixture
def operator(db: None) -> CheckedClient:
    """A client with the role operator."""
    return checked("operator")


@pytest.fixture
def admin(db: None) -> CheckedClient:
    """A client with the role admin."""
    return checked("admin")


@pytest.fixture
def crontab(settings: Settings, tmp_path: Path) -> Path:
    """The file that the tests use as this host's crontab. It already holds foreign lines."""
    path = tmp_path / "crontab"
    path.write_bytes(FOREIGN)
    settings.TANDEM_CRONTAB = f"file:{path}"
    return path
