"""The embedded cron runner: it runs the lines of a private file, as the cron daemon runs a user's crontab."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from backends.crontab.agent import Agent
from backends.crontab.runner.minutes import Minutes
from backends.crontab.targets import FileTarget


class Runner:
    """Calls `wake` in each minute that has a line of ours. It is also the agent of its machine."""

    def __init__(self, target: FileTarget, agent: Agent, wake: Callable[[], None], since: datetime) -> None:
        self._minutes = Minutes(target, since)
        self._agent = agent
        self._wake = wake

    def step(self, now: datetime) -> None:
        """Do what is due at `now`. The text of a line is never run: it says no more than that something may be due."""
        if self._minutes.step(now):
            self._wake()
        self._agent.step(now)
