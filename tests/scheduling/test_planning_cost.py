"""How often planning asks a trigger: every fire of every schedule pays for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from scheduling.planning import Policy, plan
from scheduling.timing import Cron
from tests.conftest import at


@dataclass
class Counted:
    """A trigger that notes what it is asked for."""

    trigger: Cron
    asked: list[str] = field(default_factory=list)

    def next(self, after: datetime) -> datetime | None:
        self.asked.append("next")
        return self.trigger.next(after)

    def occurrences(self, after: datetime, until: datetime | None = None) -> Iterator[datetime]:
        self.asked.append("occurrences")
        return self.trigger.occurrences(after, until)


def test_a_run_on_time_takes_two_searches() -> None:
    trigger = Counted(Cron.parse("* * * * *", "UTC"))
    made = plan(cast("Cron", trigger), at("2026-11-20 03:00"), at("2026-11-20 03:01:00"), Policy())
    assert made.next_due_at == at("2026-11-20 03:02")
    assert trigger.asked == ["next", "next"]
