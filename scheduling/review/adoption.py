"""Adopts lines of a crontab: a line whose command is allowed becomes a schedule. Commands are never run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal

from django.conf import settings
from django.utils import timezone

from scheduling import bulk, drafts
from scheduling.backend import many_checks
from scheduling.drafts import ScheduleFields
from scheduling.errors import InvalidRequest, Misconfigured, Problem, TandemError
from scheduling.models import Schedule
from scheduling.owners import visible
from scheduling.review import command_patterns
from scheduling.review.foreign_table import ForeignTable
from scheduling.review.report import Report
from scheduling.review.report_lines import ReportLine
from scheduling.storable import problem_with_text, storable_text
from scheduling.words import DEFAULT, describe

SETTING: Final = "TANDEM_CRON_IMPORT"
# All of them are installed within one request.
MOST_ADOPTED: Final = 500
# What the column holds.
_LONGEST_NAME: Final = 200

AdoptionOutcome = Literal["would_create", "created", "exists", "not_mapped", "refused"]


@dataclass(frozen=True, slots=True)
class Mapped:
    """An allowed command, and the job that it becomes."""

    command: str
    job: str
    parameters: Mapping[str, Any]
    name: str


@dataclass(frozen=True, slots=True)
class Adoption:
    """The result for one entry of a crontab. `schedule` is the id of its schedule; `detail` says why it has none."""

    line: int
    text: str
    outcome: AdoptionOutcome
    job: str = ""
    parameters: Mapping[str, Any] | None = None
    words: str = ""
    routed_to: str = ""
    schedule: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Adopted:
    """The results for all entries, in order. `backup` names the copy of the table from before the change, or is empty.

    `error` says why the lines did not become comments. In that case the new schedules stay paused, so that nothing runs
    twice.
    """

    lines: tuple[Adoption, ...]
    backup: str = ""
    error: str = ""


def mappings() -> list[Mapped]:
    """The allowed commands, from TANDEM_CRON_IMPORT. Raises Misconfigured, which names the wrong one."""
    return [_mapped(index, one) for index, one in enumerate(getattr(settings, SETTING, []))]


def plan(
    report: Report,
    *,
    only: Collection[int] | None = None,
    backend: str = "auto",
    now: datetime,
    language: str = DEFAULT,
) -> Adopted:
    """What `apply` would do with the entries of a report (only those on the lines `only`, if given). Stores nothing.

    Raises InvalidRequest where more than 500 of them could be adopted at once.
    """
    return Adopted(tuple(one for one, _ in _planned(report, only, ScheduleFields(backend=backend), now, language)))


def apply(
    report: Report,
    *,
    only: Collection[int] | None = None,
    backend: str = "auto",
    comment_out: ForeignTable | None = None,
    now: datetime,
    language: str = DEFAULT,
    clock: Callable[[], datetime] = timezone.now,
) -> Adopted:
    """Store a schedule for each entry that is `would_create` in `plan`, all or none, and install them with one write.

    The other entries say why they have no schedule. `comment_out` is the table that the report was read from. With it,
    the lines of the new schedules become comments in the table, and the schedules are paused until then. They begin
    with the first whole minute after the table was read back, because cron may still have run the minute in which it
    was written.
    """
    wanted = ScheduleFields(backend=backend, paused=comment_out is not None)
    planned = _planned(report, only, wanted, now, language)
    bulk.store_all([draft for _, draft in planned if draft is not None])
    made = [
        one if draft is None else replace(one, outcome="created", schedule=draft.pk, routed_to=draft.routed_to)
        for one, draft in planned
    ]
    if comment_out is None:
        return Adopted(tuple(made))
    return _comment_out(made, comment_out, now, clock)


def _planned(
    report: Report, only: Collection[int] | None, wanted: ScheduleFields, now: datetime, language: str
) -> list[tuple[Adoption, Schedule | None]]:
    """Each entry with its draft, which is None unless it is `would_create`. Raises InvalidRequest as `plan` does."""
    allowed, known = mappings(), _known()
    lines = [line for line in report.lines if line.kind == "entry" and (only is None or line.number in only)]
    with many_checks():
        found = [_plan(line, allowed, known, wanted, now, language) for line in lines]
    if sum(1 for _, draft in found if draft is not None) > MOST_ADOPTED:
        detail = f"At most {MOST_ADOPTED} lines are adopted at once: name some in `lines`."
        raise InvalidRequest([Problem("lines", "too_many", detail)])
    return found


def _comment_out(made: list[Adoption], table: ForeignTable, now: datetime, clock: Callable[[], datetime]) -> Adopted:
    new = {one.line: one for one in made if one.outcome == "created"}
    if not new:
        return Adopted(tuple(made))
    why = {number: (one.text, f"Adopted by Tandem as schedule {one.schedule}") for number, one in new.items()}
    try:
        backup = table.comment_out(why, now=now)
    except TandemError as exc:
        return Adopted(tuple(made), error=f"{exc.detail} The new schedules are paused, so that nothing runs twice.")
    made_now = tuple(one.schedule for one in new.values() if one.schedule is not None)
    bulk.change_all(bulk.Chosen(made_now), now=clock(), partial=True, paused=False)
    return Adopted(tuple(made), backup=backup)


def _mapped(index: int, one: object) -> Mapped:
    where = f"{SETTING}[{index}]"
    if not isinstance(one, Mapping) or not {"command", "job"} <= one.keys() <= {"command", "job", "parameters", "name"}:
        raise Misconfigured(f"{where}: write command, job, and if needed parameters and name.")
    mapped = Mapped(str(one["command"]), str(one["job"]), dict(one.get("parameters", {})), str(one.get("name", "")))
    try:
        command_patterns.match(mapped.command, "")
    except ValueError as exc:
        raise Misconfigured(f"{where}: no shell can read the command: {exc}") from exc
    return mapped


def _plan(
    line: ReportLine,
    allowed: Iterable[Mapped],
    known: Collection[tuple[str, str, str, str]],
    fields: ScheduleFields,
    now: datetime,
    language: str,
) -> tuple[Adoption, Schedule | None]:
    shown = Adoption(line.number, line.text, "not_mapped")
    # A schedule cannot store the input of a command, or bytes that are not UTF-8.
    adoptable = line.stdin is None and not problem_with_text(line.command)
    wanted = _wanted(line, allowed, fields) if adoptable else None
    if wanted is None:
        return replace(shown, detail=f"No mapping in {SETTING} allows this command."), None
    shown = replace(shown, job=wanted["job"], parameters=wanted["parameters"], words=line.words)
    if _key(wanted["cron"], wanted["timezone"], wanted["job"], wanted["parameters"]) in known:
        return replace(shown, outcome="exists", detail="This schedule exists already."), None
    try:
        draft = drafts.draft(now=now, **wanted)
    except InvalidRequest as exc:
        return replace(shown, outcome="refused", detail=exc.detail), None
    words = describe(draft.trigger, language=language)
    return replace(shown, outcome="would_create", routed_to=draft.routed_to, words=words), draft


def _wanted(line: ReportLine, allowed: Iterable[Mapped], fields: ScheduleFields) -> ScheduleFields | None:
    """The fields of the schedule for a line, with `fields`; None when no mapping matches its command."""
    for one in allowed:
        values = _match(one, line.command)
        if values is not None:
            parameters: Any = command_patterns.filled(dict(one.parameters), values)
            name = command_patterns.filled(one.name, values) or line.command
            return ScheduleFields(
                **fields,
                name=storable_text(str(name))[:_LONGEST_NAME],
                description=storable_text(f"Adopted from line {line.number} of a crontab: {line.text}"),
                job=one.job,
                parameters=parameters,
                cron=line.expression,
                timezone=line.timezone,
            )
    return None


def _match(mapped: Mapped, command: str) -> dict[str, str] | None:
    try:
        return command_patterns.match(mapped.command, command)
    except ValueError:
        return None  # the command has a quote that is not closed: no shell can read it either


def _known() -> set[tuple[str, str, str, str]]:
    rows = visible(Schedule.objects).exclude(cron="").values_list("cron", "timezone", "job", "parameters")
    return {_key(*row) for row in rows.iterator()}


def _key(cron: str, timezone: str, job: str, parameters: object) -> tuple[str, str, str, str]:
    return cron, timezone, job, repr(sorted(parameters.items()) if isinstance(parameters, dict) else parameters)
