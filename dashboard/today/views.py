"""The page that an operator opens in the morning."""

from __future__ import annotations

from typing import Any

from dashboard.page import Page
from dashboard.today import attention, day
from scheduling import clock, queries


class Today(Page):
    """What asks for attention, the last day, the next hour."""

    section = "today"
    template_name = "dashboard/today.html"

    def content(self) -> dict[str, Any]:
        """All of it. The number of statements is fixed."""
        now = clock.now()
        return {
            "items": attention.items(now),
            "columns": day.columns(now),
            "coming": day.coming(now),
            "any_schedule": queries.schedules().exists(),
            "running": queries.tasks().filter(status="RUNNING").count(),
            "queued": queries.tasks().filter(status="QUEUED").count(),
        }
