"""The list of schedules, one schedule, and what can be done with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from dashboard.language import language_of
from dashboard.page import Action, Page
from dashboard.paging import part
from dashboard.schedules import undo
from dashboard.schedules.bulk import ACTIONS
from dashboard.schedules.filters import STATES, wanted
from dashboard.schedules.foreign import ForeignRow, foreign_rows
from dashboard.schedules.rows import rows, state_of, words_of
from scheduling import clock, host_states, outcomes, owners, queries, schedules
from scheduling.backend import backend, backend_names
from scheduling.models import Schedule
from scheduling.timing import zone

# Coming runs: a week of a daily schedule, and one more.
COMING: Final = 8
# Tasks below the figures; the list of tasks has the others.
RECENT: Final = 15
# Tasks that the median and the 95 % are worked out from.
MEASURED: Final = 60


class ScheduleList(Page):
    """All schedules, a line each."""

    section = "schedules"
    template_name = "dashboard/schedules.html"

    def content(self) -> dict[str, Any]:
        """One page of the schedules that the address asks for."""
        parameters, now = self.request.GET, clock.now()
        page = part(queries.schedules().filter(wanted(parameters, now)), parameters)
        asked = {name: parameters.get(name, "") for name in ("q", "state", "backend")}
        foreign: tuple[list[ForeignRow], list[str]] = ([], [])
        if page.first and not any(asked.values()) and owners.unbound():
            foreign = foreign_rows(language=language_of(self.request), now=now)
        return {
            "foreign": foreign[0],
            "unread": foreign[1],
            "rows": rows(page.rows, language=language_of(self.request), now=now),
            "page": page,
            "states": STATES,
            "backends": backend_names(),
            "bulk_actions": ACTIONS,
            "undo": undo.offered(self.request.session, now),
            "asked": asked,
        }


class ScheduleDetail(Page):
    """One schedule: when it runs, how it went, what is installed."""

    section = "schedules"
    template_name = "dashboard/schedule.html"

    def content(self) -> dict[str, Any]:
        """Everything about it. The number of statements is fixed."""
        found, now = queries.schedule(self.pk), clock.now()
        ended = outcomes.latest([found], count=MEASURED)[found.pk]
        lasted = sorted(each.lasted for each in ended if each.lasted is not None)
        silent = host_states.silent_names() if found.host else set()
        return {
            "schedule": found,
            "words": words_of(found, language_of(self.request)),
            "state": state_of(found, silent, now),
            "coming": [(at, at.astimezone(zone(found.timezone))) for at in _coming(found)],
            "entries": backend(found.routed_to).entries(found) if found.next_due_at else [],
            "outcomes": ended,
            "recent": queries.tasks().filter(schedule=found).order_by("-pk")[:RECENT],
            "median": _at(lasted, 0.5),
            "slowest": _at(lasted, 0.95),
        }


class Pause(Action):
    """Stops a schedule until it is resumed."""

    fallback = "schedules"

    def act(self, pk: int) -> str:
        found = schedules.pause(pk, now=clock.now())
        return f"{found.name} is paused: nothing is due until you resume it."


class Resume(Action):
    """Lets a paused schedule run again."""

    fallback = "schedules"

    def act(self, pk: int) -> str:
        found = schedules.resume(pk, now=clock.now())
        return f"{found.name} runs again."


class RunNow(Action):
    """Runs a schedule once, now."""

    fallback = "schedules"

    def act(self, pk: int) -> str:
        task, delivery = schedules.trigger(pk, now=clock.now())
        return f"Task {task.pk} of {task.name} was created: {delivery}."


def _coming(found: Schedule) -> Any:
    return queries.next_occurrences(found, count=COMING)


def _at(ordered: list[timedelta], share: float) -> timedelta | None:
    """The value at this share of an ordered list; None where there is none."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else None
