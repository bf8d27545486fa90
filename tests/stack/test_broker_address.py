"""The address that `up --broker` leaves for commands beside it, and who believes it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from settings.running_broker import running_broker
from stack.broker_address import offered

URL = "redis://127.0.0.1:4711/0"


def test_it_is_there_while_up_runs_and_for_its_owner_alone(tmp_path: Path) -> None:
    assert running_broker(tmp_path) == ""
    with offered(tmp_path, URL):
        assert running_broker(tmp_path) == URL
        [path] = tmp_path.iterdir()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


def test_it_is_taken_away_after_a_failure_too(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), offered(tmp_path, URL):
        1 / 0  # noqa: B018 - it is to fail
    assert list(tmp_path.iterdir()) == []


def test_one_that_a_killed_up_left_behind_counts_for_nothing_and_is_replaced(tmp_path: Path) -> None:
    with offered(tmp_path, URL):
        [path] = tmp_path.iterdir()
    path.write_text("redis://127.0.0.1:1/0")
    assert running_broker(tmp_path) == ""
    with offered(tmp_path, URL):
        assert running_broker(tmp_path) == URL
