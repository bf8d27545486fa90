"""Which backend wakes Tandem for a schedule, which executor runs its tasks, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from django.conf import settings

from scheduling.backend import SchedulerBackend, backend, backend_names
from scheduling.errors import InvalidRequest, Misconfigured, Problem
from scheduling.executor import executor_names
from scheduling.hosts import default_host
from scheduling.models import Schedule
from scheduling.phrases import phrase

AUTO: Final = "auto"


@dataclass(frozen=True, slots=True)
class Route:
    """Where a schedule goes. `reason` ends the sentence "it is on beat because ..."."""

    backend: str
    executor: str
    host: str
    reason: str


def route(schedule: Schedule) -> Route:
    """The requested backend and executor, or for `auto` those that the rules in TANDEM_ROUTING choose.

    Raises InvalidRequest with the reason when the requested backend cannot hold the schedule, or no backend can. A
    schedule is never silently put on another backend.
    """
    check_names(schedule)
    if schedule.backend != AUTO:
        requested, problems = _try(schedule, backend(schedule.backend), "it was asked for")
        if requested is None:
            raise InvalidRequest(problems)
        return requested
    refusals: dict[str, list[Problem]] = {}
    for rule in settings.TANDEM_ROUTING:
        name = str(rule["backend"])
        if name in refusals or not _applies(rule, schedule):
            continue
        found, problems = _try(schedule, backend(name), str(rule["because"]))
        if found is not None:
            return found
        refusals[name] = problems
    said = phrase("No backend can hold this schedule.")
    for name, problems in refusals.items():
        for problem in problems:
            said = phrase("{before} {backend}: {reason}", before=said, backend=name, reason=problem.detail)
    raise InvalidRequest([Problem("backend", "no_backend", said)])


def _try(schedule: Schedule, candidate: SchedulerBackend, because: str) -> tuple[Route | None, list[Problem]]:
    """The route on `candidate`, or the problems with it. The schedule itself is not changed."""
    supported = candidate.capabilities
    runs_on = supported.executors[0] if schedule.executor == AUTO else schedule.executor
    if runs_on not in supported.executors:
        problem = phrase(
            "{backend} has no executor {executor}: choose {known}.",
            backend=candidate.name,
            executor=runs_on,
            known=", ".join(supported.executors),
        )
        return None, [Problem("executor", "unsupported_executor", problem)]
    host = (schedule.host or default_host()) if supported.per_host else ""
    before = (schedule.routed_to, schedule.runs_on, schedule.host)
    schedule.routed_to, schedule.runs_on, schedule.host = candidate.name, runs_on, host
    problems = candidate.check(schedule)
    schedule.routed_to, schedule.runs_on, schedule.host = before
    return (None if problems else Route(candidate.name, runs_on, host, because)), problems


def _applies(rule: Mapping[str, Any], schedule: Schedule) -> bool:
    conditions = {key: value for key, value in rule.items() if key not in {"backend", "because"}}
    unknown = conditions.keys() - {"executor", "jobs", "sub_minute"}
    if unknown:
        raise Misconfigured(f"TANDEM_ROUTING: there is no condition {', '.join(sorted(unknown))} for a rule.")
    if "executor" in conditions and schedule.executor != conditions["executor"]:
        return False
    if "sub_minute" in conditions and _sub_minute(schedule) != conditions["sub_minute"]:
        return False
    return "jobs" not in conditions or any(fnmatchcase(schedule.job, pattern) for pattern in conditions["jobs"])


def _sub_minute(schedule: Schedule) -> bool:
    """Whether the schedule may be due between whole minutes."""
    return schedule.every is not None and bool(schedule.every % 60 or schedule.anchor.second)


def check_names(schedule: Schedule) -> None:
    """Raise InvalidRequest where the requested backend or executor is none that there is."""
    known = {"backend": (schedule.backend, backend_names()), "executor": (schedule.executor, executor_names())}
    problems = [
        Problem(
            field,
            f"unknown_{field}",
            phrase(
                "There is no {field} {name!r}: write {known}.",
                field=field,
                name=name[:50],
                known=", ".join((*names, AUTO)),
            ),
        )
        for field, (name, names) in known.items()
        if name not in (*names, AUTO)
    ]
    if problems:
        raise InvalidRequest(problems)
