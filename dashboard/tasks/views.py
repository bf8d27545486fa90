"""The list of tasks, one task, and what can be done with it."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import Q
from django.http import QueryDict

from dashboard.json_tree import json_tree
from dashboard.lists import ListPage, of_status, owned, text_in
from dashboard.page import Action, Page
from dashboard.paging import id_in, part
from dashboard.readable import LOOKS
from scheduling import clock, explain, queries, shown_parameters, tasks
from scheduling.events import log as event_log
from scheduling.lifecycle import OPEN, RETRYABLE, Status
from scheduling.models import Task
from scheduling.roles import Role

# The page stays below 100 kB; the API has all events.
MOST_EVENTS: Final = 200
# As above, of the lines of the log.
MOST_LINES: Final = 500


class TaskList(ListPage):
    """All tasks, newest first."""

    section = "tasks"
    template_name = "dashboard/tasks.html"
    everything = "tasks"
    filters = ("q", "status", "schedule")

    def content(self) -> dict[str, Any]:
        """One page of the tasks that the address asks for."""
        parameters = self.request.GET
        return {
            "of_schedule": id_in(parameters.get("schedule", "")),
            "page": part(queries.tasks().filter(_wanted(parameters)), parameters),
            "statuses": [(status, look.word) for status, look in LOOKS.items()],
        }


class TaskDetail(Page):
    """One task: where it stands, its attempts, its log, its result."""

    section = "tasks"
    template_name = "dashboard/task.html"

    def content(self) -> dict[str, Any]:
        """Everything about it. The number of statements is fixed for each status."""
        pk = self.pk
        task = queries.task(pk)
        progress = task.progress or {}
        return {
            "task": task,
            "open": task.status in OPEN,
            "retryable": task.status in RETRYABLE and task.workflow_id is None,
            "progress": progress if progress.get("total") else None,
            # What runs and what has ended says so itself.
            "why": explain.of_task(task) if task.status in OPEN and task.status != Status.RUNNING else None,
            "attempts": task.attempts.order_by("-number"),
            "events": event_log.of_task(pk, after=0, limit=MOST_EVENTS),
            "lines": task.lines.order_by("pk")[:MOST_LINES],
            "parameters": json_tree(self._parameters(task)),
            "result": json_tree(task.result) if task.status == Status.COMPLETED else "",
        }

    def _parameters(self, task: Task) -> Any:
        may_change = self.may(Role.OPERATOR)
        return task.parameters if may_change else shown_parameters.masked(task.job, task.parameters)


class Cancel(Action):
    """Keeps a task from running, or asks it to stop."""

    fallback = "tasks"

    def act(self, pk: int) -> str:
        task = tasks.cancel(pk, now=clock.now(), reason=f"cancelled by {self.request.user.get_username()}")
        done = "is cancelled" if task.status == Status.CANCELLED else "was asked to stop"
        return f"Task {pk} {done}."


class Retry(Action):
    """Queues another attempt."""

    fallback = "tasks"

    def act(self, pk: int) -> str:
        task, delivery = tasks.retry(pk, now=clock.now())
        return f"Task {task.pk} is tried again: {delivery}."


def _wanted(parameters: QueryDict) -> Q:
    """The tasks that the address asks for."""
    found = owned(parameters) & of_status(parameters, LOOKS)
    if text := text_in(parameters):
        found &= queries.tasks_named(text)
    if (schedule := id_in(parameters.get("schedule", ""))) is not None:
        found &= Q(schedule_id=schedule)
    return found
