"""What somebody has entered about a schedule, as the domain's fields, and a stored schedule as the form shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from django.conf import settings
from django.http import QueryDict

from dashboard.schedules.edit import builder, owner, parameters
from scheduling import owners, routing
from scheduling.drafts import ScheduleFields
from scheduling.errors import InvalidTrigger, NotFound, Problem
from scheduling.models import Schedule
from scheduling.registry import definition
from scheduling.timing import zone

# The units of an interval, in seconds, the largest first.
UNITS: Final = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
# Fields that are taken as they are.
_TEXTS: Final = (
    "name", "description", "job", "timezone", "backend", "executor", "host", "overlap", "catch_up", "database_away",
    "on_host_lost", "queue", "limit_key", "on_lost",
)  # fmt: skip
_SPANS: Final = ("catch_up_window", "grace")
# Empty is the default of the settings.
_LIMITS: Final = ("soft_timeout", "timeout")
_TIMES: Final = ("starts_at", "ends_at")
# The members of `retries` that the form shows: the name of the field, and of the member.
_RETRIES: Final = {"retries": "max", "retry_base": "base", "retry_cap": "cap"}
# A whole number of a length that every column and calendar holds.
_WHOLE: Final = re.compile(r"[0-9]{1,15}")
_DECIMAL: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entered:
    """The fields of the form by name, as text; `weekdays` are those of the builder."""

    values: dict[str, str]
    weekdays: tuple[str, ...] = ()
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def expression(self) -> str:
        """The cron expression that is meant; empty for an interval."""
        kind = self.values.get("kind", "build")
        if kind == "build":
            names = ("often", "step", "minute", "time", "day")
            chosen = {name: self.values[name] for name in names if name in self.values}
            return builder.expression(builder.Choices(**chosen, weekdays=self.weekdays))
        return self.values.get("cron", "").strip() if kind == "cron" else ""


def entered(data: QueryDict) -> Entered:
    """What a form has sent. A common phrase that was chosen is the expression then."""
    values = {name: str(data[name]) for name in data if not name.startswith(parameters.PREFIX)}
    if phrase := data.get("phrase"):
        values |= {"kind": "cron", "cron": phrase}
    given = {
        name.removeprefix(parameters.PREFIX): str(data[name]) for name in data if name.startswith(parameters.PREFIX)
    }
    known = tuple(day for day in data.getlist("weekdays") if day in builder.WEEKDAYS)
    return Entered(values, known, given)


def blank() -> Entered:
    """The form for a new schedule."""
    now = datetime.now(UTC)  # the anchor of a row that is never stored
    usual = Schedule(
        job=settings.TANDEM_DEFAULT_JOB, backend=routing.AUTO, executor=routing.AUTO, cron="0 9 * * 1-5", anchor=now,
        key="", owner=owners.usual(),
    )  # fmt: skip
    return of(usual)


def of(schedule: Schedule) -> Entered:
    """A schedule as the form shows it."""
    values = {name: str(getattr(schedule, name)) for name in (*_TEXTS, "cron", "priority")}
    values |= {name: str(int(getattr(schedule, name).total_seconds())) for name in _SPANS}
    values |= {name: "" if getattr(schedule, name) is None else str(getattr(schedule, name)) for name in _LIMITS}
    values |= {name: local_text(getattr(schedule, name), schedule.timezone) for name in _TIMES}
    policy = schedule.retries
    values |= {field: f"{policy[member]:g}" if member in policy else "" for field, member in _RETRIES.items()}
    values |= {"tags": " ".join(schedule.tags), "owner": str(schedule.owner or ""), "key": schedule.key}
    chosen = builder.choices(schedule.cron)
    values["kind"] = "every" if schedule.every else "build" if chosen else "cron"
    values |= _interval(schedule.every)
    shown = asdict(chosen or builder.Choices())
    weekdays = shown.pop("weekdays")
    return Entered(values | shown, weekdays, _parameters(schedule))


def fields(given: Entered, *, before: Schedule | None) -> tuple[ScheduleFields, list[Problem]]:
    """The fields of the schedule, and what cannot be read. `before` is what is changed: None for a new schedule.

    What the form does not show stays as it is.
    """
    problems: list[Problem] = []
    found: dict[str, Any] = {name: given.values[name] for name in _TEXTS if name in given.values}
    found |= _trigger(given, before, problems)
    found |= {name: timedelta(seconds=span) for name in _SPANS if (span := _whole(given, name, problems)) is not None}
    found |= {name: _whole(given, name, problems) for name in _LIMITS if name in given.values}
    if (priority := _whole(given, "priority", problems)) is not None:
        found["priority"] = priority
    found["retries"] = _retries(given, before, problems)
    found |= _labels(given, before, problems)
    found |= {name: _instant(given, name, problems) for name in _TIMES if name in given.values}
    found["parameters"], wrong = _read_parameters(given)
    return cast("ScheduleFields", found), [*problems, *wrong]


def _retries(given: Entered, before: Schedule | None, problems: list[Problem]) -> dict[str, Any]:
    """The members that the form shows, beside those that it does not: they stay as they are."""
    kept = dict(before.retries) if before else {}
    for field_name, member in _RETRIES.items():
        if field_name in given.values:
            number = (_whole if member == "max" else _seconds)(given, field_name, problems)
            kept.pop(member, None)
            kept |= {} if number is None else {member: number}
    return kept


def _labels(given: Entered, before: Schedule | None, problems: list[Problem]) -> dict[str, Any]:
    """By what people and programs find it: key, owner and tags; and whether a new one begins paused."""
    found: dict[str, Any] = owner.read(given.values, problems)
    if key := given.values.get("key", "").strip():
        found["key"] = key
    if "tags" in given.values:
        found["tags"] = given.values["tags"].replace(",", " ").split()
    if before is None and given.values.get("paused"):
        found["paused"] = True
    return found


def schema_of(job: str) -> Mapping[str, Any] | None:
    """The JSON Schema of a job's parameters; None where there is no such job."""
    try:
        return definition(job).schema()
    except NotFound:
        return None


def _trigger(given: Entered, before: Schedule | None, problems: list[Problem]) -> dict[str, Any]:
    if given.values.get("kind") != "every":
        written = given.expression
        # The same choices write it in one way; a stored expression that says the same in another stays as it is.
        same = before is not None and builder.choices(before.cron) == (builder.choices(written) or written)
        return {"cron": before.cron if before is not None and same else written, "every": None}
    number = _whole(given, "every", problems)
    return {"cron": "", "every": None if number is None else number * UNITS.get(given.values.get("unit", ""), 1)}


def _interval(seconds: int | None) -> dict[str, str]:
    if seconds is None:
        return {"every": "15", "unit": "minutes"}
    unit = next(unit for unit, length in UNITS.items() if seconds % length == 0)
    return {"every": str(seconds // UNITS[unit]), "unit": unit}


def _whole(given: Entered, name: str, problems: list[Problem]) -> int | None:
    """A number that may be left out."""
    text = given.values.get(name, "").strip()
    if text and not _WHOLE.fullmatch(text):
        problems.append(Problem(name, "invalid", "Write a whole number."))
        return None
    return int(text) if text else None


def _seconds(given: Entered, name: str, problems: list[Problem]) -> float | None:
    """A number of seconds that may be left out, and may have decimals."""
    text = given.values.get(name, "").strip()
    if text and not _DECIMAL.fullmatch(text):
        problems.append(Problem(name, "invalid", "Write a number of seconds: 30 or 0.5."))
        return None
    return float(text) if text else None


def _instant(given: Entered, name: str, problems: list[Problem]) -> datetime | None:
    """A local time of the schedule's zone."""
    text = given.values.get(name, "").strip()
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=_zone(given))).astimezone(UTC)
    except (ValueError, OverflowError):
        problems.append(Problem(name, "invalid", "Write a date and a time: 2026-11-20 10:00."))
        return None


def _zone(given: Entered) -> Any:
    try:
        return zone(given.values.get("timezone", "UTC"))
    except InvalidTrigger:
        return UTC  # the zone has a problem of its own


def local_text(at: datetime | None, timezone: str) -> str:
    """For an <input type="datetime-local">; in UTC where this machine does not know the zone."""
    if at is None:
        return ""
    try:
        return at.astimezone(zone(timezone)).replace(tzinfo=None).isoformat(timespec="seconds")
    except InvalidTrigger:
        return at.isoformat(timespec="seconds")


def _parameters(schedule: Schedule) -> dict[str, str]:
    schema = schema_of(schedule.job)
    return parameters.shown(schema or {}, schedule.parameters)


def _read_parameters(given: Entered) -> tuple[Any, list[Problem]]:
    schema = schema_of(given.values.get("job", ""))
    if schema is None:
        return parameters.read_whole(given.values.get(parameters.WHOLE, ""))
    return parameters.read(schema, given.parameters)
