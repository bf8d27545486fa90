"""A private crontab for every test; no test of this folder can see the machine's own `crontab`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from django.db import connections
from pytest_django import Settings

from backends.crontab import targets, wake_up, wake_up_alone
from tests.backends.crontab.fake_crontab import FakeCrontab


@pytest.fixture(autouse=True)
def fake_crontab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCrontab:
    """A fake `crontab`: the only program on PATH."""
    fake = FakeCrontab(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(fake.folder))
    # The lock that all processes of this user share is for the machine's own crontab.
    monkeypatch.setattr(targets, "LOCK_FOLDERS", (tmp_path,))
    return fake


@pytest.fixture
def crontab_file(tmp_path: Path, settings: Settings) -> Path:
    """The private table that the settings name; it does not exist yet."""
    settings.VAR = tmp_path / "var"
    settings.TANDEM_CRONTAB = f"file:{tmp_path / 'crontab'}"
    settings.TANDEM_HOST = "testhost"
    return tmp_path / "crontab"


class JobsHere:
    """In place of JobProcesses: a child would not see what the transaction of a test holds."""

    def __init__(self, most: int) -> None:
        self.most = most

    def add(self, jobs: Iterable[tuple[int, int]]) -> None:
        for job in jobs:
            wake_up.run_task(*job)

    def busy(self) -> bool:
        return False

    def stop(self, grace: float) -> None:
        """Nothing runs any more."""


@pytest.fixture
def jobs_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """`due` runs its jobs in the process of the test, one after another."""
    monkeypatch.setattr(wake_up_alone, "JobProcesses", JobsHere)
    # The connection of the test holds its transaction.
    monkeypatch.setattr(connections, "close_all", lambda: None)
