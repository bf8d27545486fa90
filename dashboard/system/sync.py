"""Sync of one backend: what differs from the schedules is shown first, and mended when that is confirmed."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from dashboard.page import Page
from scheduling import drift
from scheduling.backend import backend
from scheduling.errors import TandemError
from scheduling.roles import Role

# Differences that the page shows, and the API has the others: it stays below 100 kB.
MOST_SHOWN: Final = 100


class Sync(Page):
    """GET compares the native entries within reach with the schedules. POST makes them fit."""

    section = "system"
    role = Role.ADMIN
    for_bound = False
    template_name = "dashboard/sync.html"

    def content(self) -> dict[str, Any]:
        """The differences, or why they cannot be read."""
        name, chosen = self.kwargs["name"], backend(self.kwargs["name"])
        try:
            found = drift.find(chosen).differences
        except TandemError as exc:
            return {"name": name, "fault": exc.detail}
        return {"name": name, "differences": found[:MOST_SHOWN], "more": max(0, len(found) - MOST_SHOWN)}

    def post(self, request: HttpRequest, *_: Any, **kwargs: Any) -> HttpResponseBase:
        """Mend them. A refusal is a message."""
        chosen = backend(kwargs["name"])
        try:
            count = len(drift.sync(chosen).differences)
            said = f"{count} difference{'s' if count != 1 else ''} of {chosen.name} mended."
            messages.success(request, said, extra_tags="good")
        except TandemError as exc:
            messages.error(request, exc.detail, extra_tags="bad")
        return redirect(reverse("dashboard:system"))
