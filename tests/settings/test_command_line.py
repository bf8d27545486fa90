"""Who is said to have done what a command does."""

from __future__ import annotations

import getpass
import sys

import pytest

from scheduling import caller
from scheduling.caller import Caller
from settings import command_line


def asked_by(words: list[str], monkeypatch: pytest.MonkeyPatch) -> Caller | None:
    """Who asks while this command runs."""
    found: list[Caller | None] = []
    monkeypatch.setattr(sys, "argv", ["manage.py", *words])
    monkeypatch.setattr(command_line, "execute_from_command_line", lambda _: found.append(caller.current()))
    command_line.main()
    return found[0]


def test_a_command_acts_for_who_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked_by(["move", "--all"], monkeypatch) == Caller("command", user=getpass.getuser())
    assert caller.current() is None


@pytest.mark.parametrize("name", ["beat", "due", "crontab_agent", "cron_runner"])
def test_what_runs_on_is_tandem_itself(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked_by([name], monkeypatch) is None
