"""The embedded cron runner: it runs the lines of a private file, as the cron daemon runs a user's crontab."""

from __future__ import annotations

from datetime import datetime

from backends.crontab.agent import Agent
from backends.crontab.fire_processes import Children
from backends.crontab.runner.minutes import Minutes
from backends.crontab.targets import FileTarget


class Runner:
    """Starts `fire <id>` for each line that is due. It is also the agent of its machine."""

    def __init__(self, target: FileTarget, children: Children, since: datetime) -> None:
        self._minutes = Minutes(target, since)
        self._agent = Agent(target, children.add)
        self._children = children

    def step(self, now: datetime) -> None:
        """Do what is due at `now`. Only the schedule's id, a number, is taken from a line; its text is never run."""
        for schedule_id in self._minutes.step(now):
            self._children.add(f"{schedule_id:d}")
        self._children.step()
        self._agent.step(now)
        self._children.step()
