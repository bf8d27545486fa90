"""The list of schedules."""

from __future__ import annotations

from typing import Any

from dashboard.language import language_of
from dashboard.lists import ListPage
from dashboard.schedules import undo
from dashboard.schedules.bulk import ACTIONS
from dashboard.schedules.by_due import ORDERS, page
from dashboard.schedules.filters import NAMES, choices, wanted
from dashboard.schedules.foreign import ForeignRow, foreign_rows
from dashboard.schedules.rows import rows
from scheduling import clock, owners, queries


class ScheduleList(ListPage):
    """All schedules, a line each."""

    section = "schedules"
    template_name = "dashboard/schedules.html"
    everything = "schedules"
    filters = NAMES
    orders = ORDERS

    def content(self) -> dict[str, Any]:
        """One page of the schedules that the address asks for."""
        parameters, now = self.request.GET, clock.now()
        listed = page(queries.schedules().filter(wanted(parameters, now)), parameters)
        foreign: tuple[list[ForeignRow], list[str]] = ([], [])
        if listed.first and not self.is_filtered and owners.unbound():
            foreign = foreign_rows(language=language_of(self.request), now=now)
        return {
            "foreign": foreign[0],
            "unread": foreign[1],
            "rows": rows(listed.rows, language=language_of(self.request), now=now),
            "page": listed,
            **choices(parameters),
            "bulk_actions": ACTIONS,
            "undo": undo.offered(self.request.session, now),
        }
