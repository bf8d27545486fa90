"""What the templates of the form need: what was entered, what would follow, what is wrong, what can be chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from dashboard.language import language_of
from dashboard.schedules.edit import builder, form, owner, parameters
from dashboard.schedules.edit.trial import trial
from scheduling import clock, routing
from scheduling.backend import backend_names
from scheduling.errors import Problem
from scheduling.executor import executor_names
from scheduling.models import CatchUp, DatabaseAway, Host, OnHostLost, OnLost, Overlap, Schedule
from scheduling.registry import definitions
from scheduling.timing import Cron
from scheduling.timing.zones import known_zones
from scheduling.words import describe

# Where a fault is told at once. What is still empty is told when the form is sent.
_WHILE_TYPING: Final = (
    "cron", "every", "timezone", "starts_at", "ends_at", "backend", "executor", "host", "grace", "overlap",
)  # fmt: skip
# The other fields: the label, what is said below it, and what can be chosen where not every text can.
_POLICIES: Final[Mapping[str, tuple[str, str, tuple[str, ...]]]] = {
    "overlap": ("While an earlier run is open", "What becomes of an occurrence then.", tuple(Overlap.values)),
    "catch_up": ("After an outage, catch up", "Which missed occurrences run late.", tuple(CatchUp.values)),
    "catch_up_window": ("Catch up for", "Seconds.", ()),
    "grace": ("Grace", "Seconds for which a late occurrence is still on time.", ()),
    "retries": ("Retries", "Empty: as the job says.", ()),
    "retry_base": ("Wait before a retry", "Seconds, twice as long each time; empty: as the job says.", ()),
    "retry_cap": ("Wait at the most", "Seconds; empty: as the job says.", ()),
    "priority": ("Priority", "0 to 9; 9 runs first.", ()),
    "queue": ("Queue", "Empty: the default one.", ()),
    "limit_key": ("Limit key", "Its runs share the limit that is set for this key; empty: none.", ()),
    "soft_timeout": ("Interrupt after", "Seconds; empty: as in the settings.", ()),
    "timeout": ("End after", "Seconds; empty: as in the settings.", ()),
    "on_lost": ("If its process dies", "", tuple(OnLost.values)),
    "on_host_lost": ("If its host is lost", "", tuple(OnHostLost.values)),
    "database_away": ("If the database is away", "What its host does then.", tuple(DatabaseAway.values)),
}
# The browser offers them while one types a name; any other name can be written, too.
_MOST_HOSTS: Final = 100


@dataclass(frozen=True, slots=True)
class Policy:
    """A field below "Where and how"."""

    name: str
    value: str
    label: str
    about: str
    choices: tuple[str, ...]


def shown(request: HttpRequest, given: form.Entered, before: Schedule | None) -> dict[str, Any]:
    """What was entered, and what would follow. `timing` are the faults that are told while one types."""
    language = language_of(request)
    fields, problems = form.fields(given, before=before)
    tried = trial(fields, before=before, language=language, now=clock.now())
    # What cannot be read was left out of the trial: it may miss there, which is no problem of its own.
    unread = {problem.field for problem in problems}
    found = [*problems, *(each for each in tried.problems if each.field not in unread)]
    expression = given.expression
    return {
        "values": given.values,
        "weekdays": given.weekdays,
        "expression": expression,
        "tried": tried,
        "timing": faults(each for each in found if each.field in _WHILE_TYPING),
        "problems": found,
        "schedule": before,
        **parameter_fields(given),
    }


def faults(problems: Iterable[Problem]) -> dict[str, list[str]]:
    """The problems by field. One inside of a parameter stands at that parameter."""
    found: dict[str, list[str]] = {}
    for problem in problems:
        names = problem.field.split(".")
        field = ".".join(names[:2]) if names[0] == "parameters" else names[0]
        told = found.setdefault(field, [])
        if problem.detail not in told:
            told.append(problem.detail)
    return found


def parameter_fields(given: form.Entered) -> dict[str, Any]:
    """The fields of the job's parameters; none of a job that is not known here, which has one field for all."""
    schema = form.schema_of(given.values.get("job", ""))
    shown = parameters.parameters(schema, given.parameters) if schema is not None else []
    return {"parameters": shown, "values": given.values, "any_schema": schema is not None}


def choices(request: HttpRequest, given: form.Entered) -> dict[str, Any]:
    """What the form offers."""
    language = language_of(request)
    known, entered = known_zones(), given.values.get("timezone", "")
    local = entered if entered in known else "UTC"
    return {
        "jobs": definitions(),
        "often": builder.OFTEN,
        "steps": builder.STEPS,
        "days": range(1, 32),
        "weekday_names": builder.WEEKDAYS,
        "units": form.UNITS,
        "zones": sorted(known),
        "phrases": [(cron, describe(Cron.parse(cron, local), language=language)) for cron in builder.PHRASES],
        "backends": (routing.AUTO, *backend_names()),
        "executors": (routing.AUTO, *executor_names()),
        "hosts": Host.objects.order_by("name").values_list("name", flat=True)[:_MOST_HOSTS],
        "owners": owner.offered(given.values.get("owner", "")),
        "policies": [Policy(name, given.values.get(name, ""), *about) for name, about in _POLICIES.items()],
    }
