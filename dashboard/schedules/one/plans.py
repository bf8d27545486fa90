"""What would follow if a schedule were run, paused, resumed, skipped, backfilled or moved: tried, and taken back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dashboard.schedules.edit.form import local_text
from scheduling import dry_run, queries, queues, schedules, skip_and_backfill
from scheduling.backend import backend_names
from scheduling.errors import InvalidRequest, InvalidTrigger, Problem
from scheduling.models import Overlap, Schedule
from scheduling.review.preview import Preview, preview
from scheduling.timing import zone

# Occurrences that the page lists; the sentence above them counts all.
MOST_SHOWN: Final = 50
# Coming occurrences that a pause or its end shows.
NEXT: Final = 8
# Days that the difference of a move shows.
DAYS: Final = 30
# What a backfill offers: the days back from now, and the name of the link; the first of them at first.
_OFFERED: Final = {1: "Last day", 7: "Last 7 days", 30: "Last 30 days"}

Given = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What would follow. `mark` is what the confirmation is for: empty where nothing would follow.

    `occurrences` are the first MOST_SHOWN of them; `moved` is of a move only.
    """

    said: str
    mark: str = ""
    occurrences: tuple[datetime, ...] = ()
    more: int = 0
    moved: Preview | None = None


def of_run(schedule: Schedule, _given: Given, *, now: datetime) -> Plan:
    """One task more, now."""
    with dry_run.tried():
        task, _ = schedules.trigger(schedule.pk, now=now)
        waits = "".join(f" It waits there, because {said}." for said in queues.not_taken([task]))
    where = f"on {task.host}" if task.host else "by a worker" if task.executor == "worker" else f"by {task.executor}"
    said = f"{schedule.job} runs once more, {where}, at once, whatever else of this schedule is open."
    return Plan(said + waits, mark="run")


def of_pause(schedule: Schedule, _given: Given, *, now: datetime) -> Plan:
    """Nothing of it is due any more."""
    if schedule.paused:
        return Plan("It is paused already.")
    found = queries.next_occurrences(schedule, count=NEXT)
    missed = " These would have been the next:" if found else ""
    return Plan(
        f"Nothing of it is due until it is resumed. What is open or runs goes on.{missed}",
        mark=f"pause {schedule.version}",
        occurrences=tuple(found),
    )


def of_resume(schedule: Schedule, _given: Given, *, now: datetime) -> Plan:
    """It is due again."""
    if not schedule.paused:
        return Plan("It is not paused.")
    with dry_run.tried():
        found = queries.next_occurrences(schedules.resume(schedule.pk, now=now), count=NEXT)
    goes_on = "It goes on with these occurrences" if found else "Nothing of it is to come"
    return Plan(
        f"{goes_on}. What was due while it was paused is not caught up: a backfill runs it.",
        mark=f"resume {schedule.version}",
        occurrences=tuple(found),
    )


def of_skip(schedule: Schedule, given: Given, *, now: datetime) -> Plan:
    """The next `count` occurrences do not run. Raises InvalidRequest."""
    count = _count(given)
    with dry_run.tried():
        found = skip_and_backfill.skip(schedule.pk, count, now=now)
    if not found:
        return Plan("Nothing of this schedule is to come, so nothing is left out.")
    one = "This occurrence does" if len(found) == 1 else f"These {len(found)} occurrences do"
    return _of_occurrences(f"{one} not run. Each stands in the history as skipped, and all others run.", found)


def of_backfill(schedule: Schedule, given: Given, *, now: datetime) -> Plan:
    """The occurrences between `from` and `to` that never became a task run now. Raises InvalidRequest."""
    with dry_run.tried():
        found = skip_and_backfill.backfill(schedule.pk, now=now, **between(schedule, given, now=now))
    if not found:
        return Plan("Every occurrence of that time has its task already, so nothing runs.")
    how = "all at once" if schedule.overlap == Overlap.ALLOW else "one after the other, the oldest first"
    one = "This occurrence runs" if len(found) == 1 else f"These {len(found)} occurrences run {how},"
    return _of_occurrences(f"{one} with the schedule as it is now.", found)


def of_move(schedule: Schedule, given: Given, *, now: datetime, language: str) -> Plan:
    """It is installed on the backend `to`, and removed from the present one. Raises InvalidRequest."""
    wanted = where_to(schedule, given)
    found = preview(schedule.pk, days=DAYS, now=now, language=language, **wanted)
    after = found.after
    if (after.backend, after.host) == (schedule.routed_to, schedule.host) and wanted["backend"] == schedule.backend:
        return Plan("It is there already.")
    said = f"It is installed on {after.backend}{f' on {after.host}' if after.host else ''} first, because"
    said += f" {after.reason}, and removed from {found.before.backend} after that. No occurrence is lost or runs twice."
    return Plan(said, mark=f"{schedule.version} {after.backend} {after.host}", moved=found)


def where_to(schedule: Schedule, given: Given) -> dict[str, Any]:
    """The fields of a move; the first other backend, where none is named. Raises InvalidRequest."""
    names = backend_names()
    to = given.get("to") or next((name for name in names if name != schedule.routed_to), schedule.routed_to)
    if to not in names:
        raise InvalidRequest([Problem("to", "unknown_backend", f"Write {' or '.join(names)}.")])
    return {"backend": to, "host": given.get("host", "").strip()[:253]}


def between(schedule: Schedule, given: Given, *, now: datetime) -> dict[str, datetime]:
    """The start and the end, entered as local times of the schedule; else the last day. Raises InvalidRequest."""
    texts = {name: given.get(name) or text for name, text in offered(schedule, now=now).items()}
    return {name: _instant(field, texts[field], schedule) for name, field in (("start", "from"), ("end", "to"))}


def offered(schedule: Schedule, *, now: datetime) -> dict[str, str]:
    """What a backfill offers at first: the last day, as the fields of the form have it."""
    [first, *_] = _OFFERED
    return {
        "from": local_text(now - timedelta(days=first), schedule.timezone),
        "to": local_text(now - timedelta(seconds=1), schedule.timezone),
    }


def spans(schedule: Schedule, *, now: datetime) -> list[tuple[str, str]]:
    """The start of each span that a backfill offers, as the form has it, and its name."""
    return [(local_text(now - timedelta(days=days), schedule.timezone), name) for days, name in _OFFERED.items()]


def _of_occurrences(said: str, found: list[datetime]) -> Plan:
    mark = f"{len(found)} {found[0].isoformat()} {found[-1].isoformat()}"
    return Plan(said, mark, tuple(found[:MOST_SHOWN]), max(0, len(found) - MOST_SHOWN))


def _count(given: Given) -> int:
    text = given.get("count") or "1"
    if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= skip_and_backfill.MOST:
        raise InvalidRequest([Problem("count", "invalid", f"Write a number from 1 to {skip_and_backfill.MOST:,}.")])
    return int(text)


def _instant(name: str, text: str, schedule: Schedule) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=zone(schedule.timezone))).astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise InvalidRequest([Problem(name, "invalid", "Write a date and a time: 2026-11-20 10:00.")]) from exc
    except InvalidTrigger as exc:
        raise InvalidRequest([Problem(name, "unknown_zone", exc.detail)]) from exc
