"""The page that an operator opens in the morning."""

from __future__ import annotations

from typing import Any

from dashboard import visible
from dashboard.page import Page
from dashboard.today import attention, day
from scheduling import clock


class Today(Page):
    """What asks for attention, the last day, the next hour."""

    section = "today"
    template_name = "dashboard/today.html"

    def content(self) -> dict[str, Any]:
        """All of it. The number of statements is fixed."""
        now, user = clock.now(), self.request.user
        schedules, tasks = visible.schedules(user), visible.tasks(user)
        items = attention.items(user, now)
        return {
            "items": items[: attention.MOST_ITEMS],
            "more_items": max(0, len(items) - attention.MOST_ITEMS),
            "columns": day.columns(tasks, now),
            "coming": day.coming(schedules, now),
            "any_schedule": schedules.exists(),
            "running": tasks.filter(status="RUNNING").count(),
            "queued": tasks.filter(status="QUEUED").count(),
        }
