"""The page that an operator opens in the morning."""

from __future__ import annotations

from typing import Any

from dashboard.page import Page
from dashboard.paging import bounded
from dashboard.today import attention, day
from scheduling import clock, queries
from scheduling.lifecycle import Status


class Today(Page):
    """What asks for attention, the last day, the next hour."""

    section = "today"
    template_name = "dashboard/today.html"

    def content(self) -> dict[str, Any]:
        """All of it. The number of statements is fixed."""
        now = clock.now()
        schedules, tasks = queries.schedules(), queries.tasks()
        items = attention.items(now)
        return {
            "items": items[: attention.MOST_ITEMS],
            "more_items": max(0, len(items) - attention.MOST_ITEMS),
            "columns": day.columns(tasks, now),
            "legend": day.LEGEND,
            "coming": day.coming(schedules, now),
            "any_schedule": schedules.exists(),
            "running": bounded(tasks.filter(status=Status.RUNNING)),
            "queued": bounded(tasks.filter(status=Status.QUEUED)),
        }
