"""The list of workflows, one workflow as a graph, and what can be done with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from django.db.models import Q
from django.http import QueryDict

from dashboard.lists import ListPage, of_status, owned, text_in
from dashboard.page import Action, Page
from dashboard.paging import part
from dashboard.readable import LOOKS
from dashboard.workflows.graph import HEIGHT, WIDTH, graph, tasks
from scheduling import clock, queries
from scheduling.lifecycle import Status
from scheduling.workflows import service, tree

# Those that a workflow as a whole can have.
_STATUSES: Final = (Status.RUNNING, Status.COMPLETED, Status.FAILED, Status.CANCELLED)
# Tasks that a picture can show so that one sees something; the table has more.
MOST_DRAWN: Final = 60
# Rows of the table: the page stays below 100 kB. The API has all of them.
MOST_ROWS: Final = 150
# Characters of a result in the table: the page of its task has all of it.
MOST_CHARACTERS: Final = 120
# Characters of a name that fit into its box.
FITTING: Final = 22


class WorkflowList(ListPage):
    """All workflows, newest first."""

    section = "workflows"
    template_name = "dashboard/workflows.html"
    everything = "workflows"
    filters = ("q", "status")

    def content(self) -> dict[str, Any]:
        """One page of the workflows that the address asks for, each with the number of its tasks in each status."""
        parameters = self.request.GET
        page = part(queries.workflows().defer("definition").filter(_wanted(parameters)), parameters)
        counts = tree.counts([row.pk for row in page.rows])
        return {
            "page": page,
            "rows": [(row, sorted(counts[row.pk].items())) for row in page.rows],
            "statuses": [(status, LOOKS[status].word) for status in _STATUSES],
        }


class WorkflowDetail(Page):
    """One workflow: its graph with the states as they are, and what each task hands on."""

    section = "workflows"
    template_name = "dashboard/workflow.html"

    def content(self) -> dict[str, Any]:
        """Everything about it. The number of statements grows with the size of its results only."""
        found = queries.workflow(self.pk)
        root = tree.tree(found)
        rows = [_row(node) for node in tasks(root)]
        return {
            "workflow": found,
            "open": found.status == Status.RUNNING,
            "retryable": found.status in {Status.FAILED, Status.CANCELLED},
            "graph": graph(root) if len(rows) <= MOST_DRAWN else None,
            "box": {"width": WIDTH, "height": HEIGHT},
            "fitting": FITTING,
            "rows": rows[:MOST_ROWS],
            "left_out": max(0, len(rows) - MOST_ROWS),
            "total": len(rows),
            "done": sum(1 for row in rows if row["status"] == Status.COMPLETED),
            "watched": ",".join(str(row["task"]) for row in rows if row["task"]),
        }


class CancelWorkflow(Action):
    """Keeps the tasks that wait from running, and asks those that run to stop."""

    fallback = "workflows"

    def act(self, pk: int) -> str:
        found = service.cancel(pk, now=clock.now(), reason=f"cancelled by {self.request.user.get_username()}")
        return f"{found.name} was asked to stop." if found.status == Status.RUNNING else f"{found.name} is cancelled."


class RetryWorkflow(Action):
    """Runs again what failed or was cancelled, and what follows it."""

    fallback = "workflows"

    def act(self, pk: int) -> str:
        found, delivery = service.retry(pk, now=clock.now())
        return f"{found.name} is tried again: {delivery}."


def _wanted(parameters: QueryDict) -> Q:
    """The workflows that the address asks for."""
    text = text_in(parameters)
    named = Q(name__icontains=text) if text else Q()
    return owned(parameters) & of_status(parameters, _STATUSES) & named


def _row(node: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the table: the task, and what it hands on."""
    handed = "" if node["status"] != Status.COMPLETED else json.dumps(node["result"], ensure_ascii=False)
    if node["result_left_out"]:
        handed = "too large to show here"
    cut = handed if len(handed) <= MOST_CHARACTERS else handed[: MOST_CHARACTERS - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return {**node, "handed": cut}
