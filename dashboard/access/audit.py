"""The audit log: who changed what, with filters, in pages, each entry with its difference."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from django.db.models import Q
from django.http import QueryDict

from dashboard.changes import lines
from dashboard.lists import MOST_CHARACTERS, ListPage, of_owner
from dashboard.paging import id_in, part
from scheduling import queries
from scheduling.models import Actor
from scheduling.roles import Role

# What is changed, each with its name on the page.
SUBJECTS: Final = {
    "schedule": "Schedules", "task": "Tasks", "workflow": "Workflows", "token": "Tokens", "secret": "Secrets",
    "binding": "Bindings",
}  # fmt: skip
# Rows of actors that one user may have: one for each address and token.
_MOST_ACTORS: Final = 1_000


class Audit(ListPage):
    """All entries that the reader may see, newest first."""

    section = "settings"
    role = Role.ADMIN
    template_name = "dashboard/audit.html"
    everything = "audit"
    filters = ("actor", "subject", "subject_id", "action", "since", "after")
    of_rows = ("owner",)
    orders = {}

    def content(self) -> dict[str, Any]:
        """One page of the entries that the address asks for."""
        parameters = self.request.GET
        page: Any = part(queries.audit_entries().filter(_wanted(parameters)), parameters)
        changes = [{"entry": entry, "lines": lines(entry.changes)} for entry in page.rows]
        return {
            "page": page,
            "changes": changes,
            "subjects": SUBJECTS.items(),
            "newest": page.rows[0].number if page.rows and page.first else None,
        }


def _wanted(parameters: QueryDict) -> Q:
    """The entries that the address asks for. What cannot be read asks for nothing."""
    found = of_owner(parameters)
    if user := parameters.get("actor", "").strip():
        # By their numbers, which are indexed with the entries'.
        actors = Actor.objects.filter(user=user[:MOST_CHARACTERS]).values_list("pk", flat=True)
        found &= Q(actor__in=list(actors[:_MOST_ACTORS]))
    for name in ("subject", "subject_id", "action"):
        if text := parameters.get(name, "").strip():
            found &= Q(**{name: text[:MOST_CHARACTERS]})
    if (since := _instant(parameters.get("since", ""))) is not None:
        found &= Q(at__gte=since)
    if (after := id_in(parameters.get("after", ""))) is not None:
        found &= Q(number__gt=after)
    return found


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
