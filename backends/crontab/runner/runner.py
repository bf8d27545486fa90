"""The embedded cron runner: it runs the lines of a private file, as the cron daemon runs a user's crontab."""

from __future__ import annotations

from datetime import datetime

from backends.crontab.agent import Agent
from backends.crontab.fire_processes import Children
from backends.crontab.lines import WAKE_UP
from backends.crontab.runner.minutes import Minutes
from backends.crontab.targets import FileTarget


class Runner:
    """Starts one `due` for the lines that are due in a minute. It is also the agent of its machine."""

    def __init__(self, target: FileTarget, children: Children, since: datetime) -> None:
        self._minutes = Minutes(target, since)
        self._agent = Agent(target, lambda argument: children.add("fire", argument))
        self._children = children

    def step(self, now: datetime) -> None:
        """Do what is due at `now`. The text of a line is never run."""
        if self._minutes.step(now):
            self._children.add(WAKE_UP)
        self._children.step()
        self._agent.step(now)
        self._children.step()
