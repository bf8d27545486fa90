"""A foreign entry becomes a schedule: what would follow is shown first, and done when that is confirmed."""

from __future__ import annotations

from hashlib import sha256
from http import HTTPStatus
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from dashboard.language import language_of
from dashboard.page import Page
from dashboard.schedules.one.policies import policies
from dashboard.schedules.rows import words_of
from scheduling import clock, dry_run, queries
from scheduling.backend import backend
from scheduling.errors import Conflict, InvalidRequest, TandemError
from scheduling.models import Schedule
from scheduling.roles import Role

# Coming runs: enough to compare with those of the entry.
COMING: Final = 5


class Adopt(Page):
    """GET shows the schedule that the entry would become, or why it can be none. POST makes it."""

    section = "schedules"
    role = Role.OPERATOR
    for_bound = False
    template_name = "dashboard/adopt.html"

    def content(self) -> dict[str, Any]:
        """What would be stored. It is tried, and taken back."""
        shown: dict[str, Any] = {"engine": self.kwargs["engine"]}
        try:
            with dry_run.tried():
                made = self._adopted()
                coming = queries.next_occurrences(made, count=COMING)
        except (Conflict, InvalidRequest) as exc:
            return {**shown, "refusal": exc.detail}
        shown |= {"made": made, "words": words_of(made, language_of(self.request))}
        return {**shown, "coming": coming, "policies": policies(made), "mark": _mark(made)}

    def post(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponseBase:
        """Do what was shown; where something else would follow by now, show that."""
        context = self.get_context_data(**self.kwargs)
        if "refusal" in context or context["mark"] != request.POST.get("mark"):
            return self.render_to_response({**context, "has_changed": True}, status=HTTPStatus.CONFLICT)
        try:
            made = self._adopted()
        except TandemError as exc:
            messages.error(request, exc.detail, extra_tags="bad")
            return redirect(reverse("dashboard:schedules"))
        said = f"{made.name} is a schedule of Tandem now; the entry is disabled."
        messages.success(request, said, extra_tags="good")
        return redirect(reverse("dashboard:schedule", args=[made.pk]))

    def _adopted(self) -> Schedule:
        return backend(self.kwargs["engine"]).adopt(self.pk, now=clock.now())


def _mark(made: Schedule) -> str:
    """What the confirmation is for, in a few characters."""
    asked = (made.name, made.job, made.cron, made.every, made.timezone, made.parameters, made.paused)
    return sha256(repr(asked).encode()).hexdigest()[:16]
