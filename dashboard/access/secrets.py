"""The names of secrets: where each comes from, and which schedules use it. No value is read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import TextField
from django.db.models.functions import Cast

from dashboard.page import Page
from scheduling import queries, secret_values
from scheduling.roles import Role

# Schedules whose parameters are read: those with a secret in them, the newest first.
MOST_READ: Final = 1_000
# Schedules that are named at a secret.
MOST_NAMED: Final = 5
# Where a value comes from, as the page says it.
SOURCES: Final = {"setting": "environment"}


@dataclass(frozen=True, slots=True)
class Secret:
    """A name. `source` is empty where no process of the web has a value. `used_by` are (id, name) of schedules."""

    name: str
    source: str
    used_by: list[tuple[int, str]]
    more: int


class Secrets(Page):
    """All names that there are here, and those that schedules ask for."""

    section = "settings"
    role = Role.ADMIN
    for_bound = False
    template_name = "dashboard/secrets.html"

    def content(self) -> dict[str, Any]:
        """One statement, however many schedules there are."""
        sources, uses, is_cut = secret_values.sources(), defaultdict(list), False
        for number, (pk, name, parameters) in enumerate(_with_secrets()):
            is_cut = number >= MOST_READ
            for secret in secret_values.names_in(parameters) if not is_cut else ():
                uses[secret].append((pk, name))
        rows = [
            Secret(name, _source(sources.get(name, "")), uses[name][:MOST_NAMED], max(0, len(uses[name]) - MOST_NAMED))
            for name in sorted({*sources, *uses})
        ]
        return {"secrets": rows, "is_cut": is_cut, "most": MOST_READ}


def _with_secrets() -> Any:
    """The newest schedules that ask for a secret: id, name, parameters; one more than are read."""
    rows = queries.schedules().annotate(written=Cast("parameters", TextField()))
    found = rows.filter(written__contains=f'"{secret_values.MEMBER}"').order_by("-pk")
    return found.values_list("pk", "name", "parameters")[: MOST_READ + 1]


def _source(known: str) -> str:
    return SOURCES.get(known, known)
