"""A private crontab for every test; no test of this folder can see the machine's own `crontab`."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from backends.crontab import targets
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
