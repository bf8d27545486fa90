"""Pause, resume, move or delete many schedules at once: what it will do is shown first, and it can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.generic import View

from dashboard.language import language_of
from dashboard.page import Page, WithRole
from dashboard.paging import SIZE as MOST_SHOWN
from dashboard.schedules import undo
from dashboard.schedules.filters import wanted
from dashboard.schedules.rows import words_of
from scheduling import bulk, clock, queries
from scheduling.backend import backend_names
from scheduling.errors import TandemError
from scheduling.lifecycle import OPEN
from scheduling.models import Schedule
from scheduling.roles import Role
from scheduling.routing import AUTO

# What can be done, each with the sentence that asks for it.
ACTIONS: Final = {
    "pause": "Nothing of them is due until they are resumed.",
    "resume": "They go on with their next occurrence. What the pause skipped is not caught up.",
    "move": "They are installed there first, and removed here after that. No occurrence is lost or runs twice.",
    "delete": "Their tasks that wait are cancelled, those that run end. Their history stays.",
}


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens to one schedule, or has happened. `refused` says why nothing does."""

    schedule: Schedule
    words: str
    before: str
    after: str
    refused: str = ""


class Bulk(Page):
    """Asks once for all chosen schedules, and does it when that is confirmed."""

    section = "schedules"
    role = Role.OPERATOR
    template_name = "dashboard/bulk.html"

    def get(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        return redirect(reverse("dashboard:schedules"))

    def post(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponseBase:
        """Show what it will do; with `confirmed`, do it."""
        now, action = clock.now(), request.POST.get("do", "")
        try:
            rows = self._chosen(now)
            if action not in ACTIONS or not rows:
                messages.error(request, "Choose schedules, and what to do with them.", extra_tags="bad")
                return redirect(reverse("dashboard:schedules"))
            if request.POST.get("confirmed"):
                return self._done(action, rows, now)
            return self._show(action, rows, self._effects(action, rows, now))
        except TandemError as exc:
            messages.error(request, exc.detail, extra_tags="bad")
            return redirect(reverse("dashboard:schedules"))

    def _show(self, action: str, rows: list[Schedule], effects: list[Effect]) -> HttpResponse:
        shown = {
            "do": action,
            "about": ACTIONS[action],
            "to": self.request.POST.get("to", AUTO),
            "possible": sum(1 for each in effects if not each.refused),
            "chosen": ",".join(str(each.schedule.pk) for each in effects if not each.refused),
            "shown": effects[:MOST_SHOWN],
            "more": max(0, len(effects) - MOST_SHOWN),
            "waiting": queries.tasks().filter(schedule__in=rows, status__in=OPEN).count() if action == "delete" else 0,
        }
        return self.render_to_response({**self.get_context_data(**self.kwargs), **shown})

    def _chosen(self, now: datetime) -> list[Schedule]:
        """Those whose boxes are checked; or all that the list's address asks for. Raises InvalidRequest."""
        rows = queries.schedules()
        if self.request.POST.get("all"):
            ids = bulk.Chosen.matching(rows.filter(wanted(QueryDict(self.request.POST.get("query", "")), now))).ids
        else:
            # The confirmation names all of them in one field: forms have at most a thousand.
            texts = ",".join(self.request.POST.getlist("pk")).split(",")
            ids = tuple(int(pk) for pk in texts if pk.isdecimal() and len(pk) < 19)[: bulk.MOST]
        return list(rows.filter(pk__in=ids).order_by("-pk"))

    def _effects(self, action: str, rows: list[Schedule], now: datetime) -> list[Effect]:
        language = language_of(self.request)
        moved = {each.schedule: each for each in self._moved(rows, now, dry_run=True)} if action == "move" else {}
        return [_effect(action, row, words_of(row, language), moved.get(row.pk)) for row in rows]

    def _moved(self, rows: list[Schedule], now: datetime, *, dry_run: bool) -> list[bulk.MovedSchedule]:
        to = self.request.POST.get("to", AUTO)
        found = queries.schedules().filter(pk__in=[row.pk for row in rows])
        return bulk.move(found, to=to, dry_run=dry_run, now=now) if to in (AUTO, *backend_names()) else []

    def _done(self, action: str, rows: list[Schedule], now: datetime) -> HttpResponse:
        acts: dict[str, Callable[[], Iterable[Schedule]]] = {
            "pause": lambda: _changed([row for row in rows if not row.paused], now, paused=True),
            "resume": lambda: _changed([row for row in rows if row.paused], now, paused=False),
            "move": lambda: _those(rows, self._moved(rows, now, dry_run=False)),
            "delete": lambda: _deleted(rows, now),
        }
        done = list(acts[action]())
        undo.keep(self.request.session, action, done, now)
        past = {"pause": "paused", "resume": "resumed", "move": "moved", "delete": "deleted"}[action]
        said = f"{len(done)} of {len(rows)} schedule{'s' if len(rows) != 1 else ''} {past}."
        messages.success(self.request, said, extra_tags="good")
        return redirect(reverse("dashboard:schedules"))


class Undo(WithRole, View):
    """Takes back what was last done to many schedules."""

    http_method_names = ["post"]
    role = Role.OPERATOR

    def post(self, request: HttpRequest, **_: Any) -> HttpResponseBase:
        """Do it. What cannot be taken back is said."""
        try:
            done = undo.take_back(request.session, now=clock.now())
            messages.success(request, f"Taken back for {done} schedule{'s' if done != 1 else ''}.", extra_tags="good")
        except TandemError as exc:
            messages.error(request, exc.detail, extra_tags="bad")
        return redirect(reverse("dashboard:schedules"))


def _effect(action: str, row: Schedule, words: str, moved: bulk.MovedSchedule | None) -> Effect:
    state = "paused" if row.paused else "active"
    if action == "move":
        refused = "It cannot be moved there." if moved is None else moved.detail
        if moved is not None and moved.outcome == "unchanged":
            refused = "It is there already."
        after = "" if moved is None else " on ".join(filter(None, (moved.routed_to, moved.host)))
        return Effect(row, words, " on ".join(filter(None, (row.routed_to, row.host))), after, refused)
    if action == "delete":
        return Effect(row, words, state, "deleted")
    same = row.paused == (action == "pause")
    after = "paused" if action == "pause" else "active"
    return Effect(row, words, state, after, f"It is {state} already." if same else "")


def _changed(rows: list[Schedule], now: datetime, *, paused: bool) -> Iterable[Schedule]:
    chosen = bulk.Chosen(tuple(row.pk for row in rows))
    outcomes = bulk.change_all(chosen, now=now, partial=True, paused=paused)
    return (row for row in rows if isinstance(outcomes[row.pk], bulk.Changed))


def _those(rows: list[Schedule], moved: list[bulk.MovedSchedule]) -> Iterable[Schedule]:
    """The rows as they were before they were moved."""
    done = {each.schedule for each in moved if each.outcome == "moved"}
    return (row for row in rows if row.pk in done)


def _deleted(rows: list[Schedule], now: datetime) -> list[Schedule]:
    """Raises InvalidRequest, and deletes nothing, where somebody else has deleted one meanwhile."""
    bulk.delete_all(bulk.Chosen(tuple(row.pk for row in rows)), now=now)
    return rows
