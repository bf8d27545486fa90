"""One schedule: when it runs, how it went, what is installed, and who changed it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import Group

from dashboard.changes import Line, lines
from dashboard.language import language_of
from dashboard.page import Page
from dashboard.schedules.one.plot import LATE, TALL, plot
from dashboard.schedules.one.policies import policies
from dashboard.schedules.rows import state_of, words_of
from scheduling import clock, host_states, outcomes, queries, shown_parameters
from scheduling.backend import backend
from scheduling.errors import InvalidTrigger
from scheduling.models import AuditEntry, Schedule
from scheduling.review.advice import warnings_about
from scheduling.roles import Role
from scheduling.timing import zone

# Coming runs: a week of a daily schedule, and one more.
COMING: Final = 8
# Tasks below the figures; the list of tasks has the others.
RECENT: Final = 10
# Tasks that the median and the 95 % are worked out from.
MEASURED: Final = 60
# Changes and differences; the audit log and the API have the others.
MOST_CHANGES: Final = 8
# As above.
MOST_DRIFT: Final = 5


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the audit log, with its difference in lines."""

    entry: AuditEntry
    lines: list[Line]


class ScheduleDetail(Page):
    """One schedule: when it runs, how it went, what is installed."""

    section = "schedules"
    template_name = "dashboard/schedule.html"

    def content(self) -> dict[str, Any]:
        """Everything about it. The number of statements is fixed."""
        found, now = queries.schedule(self.pk), clock.now()
        ended = outcomes.latest([found], count=MEASURED)[found.pk]
        silent = host_states.silent_names() if found.host else set()
        return {
            "schedule": found,
            "owner": Group.objects.filter(pk=found.owner).values_list("name", flat=True).first() if found.owner else "",
            "words": words_of(found, language_of(self.request)),
            "state": state_of(found, silent, now),
            "warnings": warnings_about(found, now=now),
            "coming": list(_coming(found)),
            "entries": backend(found.routed_to).entries(found) if found.next_due_at else [],
            "drift": queries.drift_of(found).order_by("-pk")[:MOST_DRIFT],
            "outcomes": ended,
            "plot": plot(ended, MEASURED),
            "heights": {"tall": TALL, "late": LATE, "all": TALL + LATE + 8},
            "recent": queries.tasks().filter(schedule=found).order_by("-pk")[:RECENT],
            "policies": policies(found),
            "changes": list(self._changes(found)),
        }

    def _changes(self, found: Schedule) -> Iterator[Change]:
        """Who changed it, newest first. Who may not change parameters does not see secret ones, as elsewhere."""
        entries = queries.audit_entries().filter(subject="schedule", subject_id=str(found.pk)).order_by("-number")
        may_change = self.may(Role.OPERATOR)
        for entry in entries[:MOST_CHANGES]:
            changes = dict(entry.changes)
            if not may_change and "parameters" in changes:
                changes["parameters"] = [shown_parameters.masked(found.job, one) for one in changes["parameters"]]
            yield Change(entry, lines(changes))


def _coming(found: Schedule) -> Iterator[tuple[datetime, datetime]]:
    """The next runs, in UTC and in its zone; none where this machine does not know the zone."""
    try:
        local = zone(found.timezone)
        following = queries.next_occurrences(found, count=COMING)
    except InvalidTrigger:
        return  # its words say so
    for at in following:
        yield at, at.astimezone(local)
