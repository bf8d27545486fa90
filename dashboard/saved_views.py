"""Saved views: a list with its filters under a name, for the user who gave it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.urls import reverse

from dashboard.models import SavedView
from dashboard.page import Action
from scheduling.errors import Conflict, InvalidRequest, NotFound, Problem
from scheduling.roles import Role
from scheduling.storable import problem_with_text

# The lists that have views.
PAGES: Final = ("schedules", "timeline", "tasks", "workflows", "audit")
# Of one user and one list: they stand in one line above it.
MOST: Final = 20
# Characters: what the columns hold.
_LONGEST_NAME: Final = 60
# As above.
_LONGEST_QUERY: Final = 1_000
# Where somebody was in a list is no part of the view.
_PLACES: Final = ("before", "from")


@dataclass(frozen=True, slots=True)
class Shown:
    """A view as the list shows it."""

    pk: int
    name: str
    address: str
    current: bool


def shown(request: HttpRequest, page: str) -> dict[str, Any]:
    """The views of this user for this list, and the query that could be saved. One statement."""
    present = query_of(request.GET)
    rows = _own(request).filter(page=page).order_by("name")[:MOST]
    views = [
        Shown(row.pk, row.name, f"{reverse(f'dashboard:{page}')}?{row.query}", row.query == present) for row in rows
    ]
    return {"views": views, "query": present, "is_saved": any(view.current for view in views), "page_name": page}


def query_of(parameters: QueryDict) -> str:
    """The parameters that choose and order rows, in one form: without empty ones, in alphabetical order."""
    kept = QueryDict(mutable=True)
    for name in sorted(parameters):
        if name not in _PLACES and (values := [value for value in parameters.getlist(name) if value]):
            kept.setlist(name, values)
    return kept.urlencode()


class SaveView(Action):
    """Keeps the filters of a list under a name. A name that the user has already gets these filters."""

    role = Role.VIEWER

    def do(self) -> str:
        asked = self.request.POST
        name, page, query = _name(asked), asked.get("page", ""), query_of(QueryDict(asked.get("query", "")))
        if page not in PAGES or not query or len(query) > _LONGEST_QUERY:
            detail = "Filter or sort the list first; a short address is kept."
            raise InvalidRequest([Problem("query", "invalid", detail)])
        rows = _own(self.request).filter(page=page)
        if rows.exclude(name=name).count() >= MOST:
            raise Conflict(f"There are {MOST} views of this list already: delete one first.")
        named: dict[str, Any] = {"user_id": self.request.user.pk, "page": page, "name": name}
        SavedView.objects.update_or_create(**named, defaults={"query": query})
        return f"The view {name} is saved."


class RenameView(Action):
    """Gives a view another name."""

    role = Role.VIEWER

    def act(self, pk: int) -> str:
        name, row = _name(self.request.POST), _one(self.request, pk)
        before, row.name = row.name, name
        try:
            with transaction.atomic():
                row.save(update_fields=["name"])
        except IntegrityError as exc:
            raise Conflict(f"There is a view {name} already.") from exc
        return f"The view {before} is called {name} now."


class DeleteView(Action):
    """Forgets a view."""

    role = Role.VIEWER

    def act(self, pk: int) -> str:
        row = _one(self.request, pk)
        row.delete()
        return f"The view {row.name} is deleted."


def _own(request: HttpRequest) -> QuerySet[SavedView]:
    return SavedView.objects.filter(user=request.user.pk)


def _one(request: HttpRequest, pk: int) -> SavedView:
    found = _own(request).filter(pk=pk).first()
    if found is None:
        raise NotFound(f"There is no view {pk}.")
    return found


def _name(asked: QueryDict) -> str:
    name = asked.get("name", "").strip()
    if not name or len(name) > _LONGEST_NAME or problem_with_text(name):
        detail = f"Write a name for the view, in at most {_LONGEST_NAME} characters."
        raise InvalidRequest([Problem("name", "invalid", detail)])
    return name
