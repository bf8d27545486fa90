"""A whole crontab, or all of Tandem's schedules, line by line in plain words. Nothing in it is run."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Final

from scheduling.errors import InvalidRequest, InvalidTrigger, Problem
from scheduling.models import Schedule
from scheduling.review import crontab_text
from scheduling.review.collisions import Collision, collisions
from scheduling.review.crontab_text import Form
from scheduling.review.report_lines import Reader, ReportLine, ReportOptions
from scheduling.timing.warnings import ReviewWarning

# The longest table that cron reads has some hundred kilobytes; more is some other file.
MOST_BYTES: Final = 1_000_000
# Twice what cron reads: a table that is too long is told so line by line, a hostile one is not read.
MOST_LINES: Final = 20_000
# Debian's cron does not read a table with more lines.
_CRON_LINES: Final = 10_000
# As many as the lines of the longest crontab; `complete` says that there are more.
MOST_SCHEDULES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Report:
    """Every line in order, the minutes of the next 24 hours at which most lines start, and warnings about the whole.

    `form` is empty for Tandem's schedules. `complete` is False when not all lines were checked for collisions, or not
    all schedules are shown.
    """

    form: str
    form_reason: str
    timezone: str
    lines: tuple[ReportLine, ...]
    collisions: tuple[Collision, ...]
    warnings: tuple[ReviewWarning, ...]
    complete: bool

    def count(self, *kinds: str) -> int:
        """How many lines are of these kinds."""
        return sum(1 for line in self.lines if line.kind in kinds)


def of_crontab(
    text: str,
    *,
    form: Form | None = None,
    timezone: str = "UTC",
    users: Collection[str] = (),
    options: ReportOptions | None = None,
    now: datetime,
) -> Report:
    """Read a crontab whose times are in `timezone`. Without `form`, the text and `users` decide the form.

    Raises InvalidRequest for a text beyond the limits (field `crontab`) and an unknown zone (field `timezone`).
    """
    _check_size(text)
    text, warnings = _without_carriage_returns(text)
    known, reason = (form, "it was asked for") if form else crontab_text.form_of(text, users=users)
    try:
        lines = crontab_text.read(text, form=known, zone=timezone)
    except InvalidTrigger as exc:
        raise InvalidRequest([Problem("timezone", exc.code, exc.detail)]) from exc
    reader = Reader(options or ReportOptions(), now)
    found = _with_collisions([reader.line(line, timezone) for line in lines], reader, now)
    if len(lines) > _CRON_LINES:
        detail = f"The table has {len(lines):,} lines. Debian's cron does not read it: it allows {_CRON_LINES:,} lines."
        warnings.append(ReviewWarning("too_many_lines", detail))
    return replace(found, form=known, form_reason=reason, timezone=timezone, warnings=tuple(warnings))


def of_schedules(schedules: Iterable[Schedule], *, options: ReportOptions | None = None, now: datetime) -> Report:
    """Read stored schedules, the first 10,000 of them."""
    reader = Reader(options or ReportOptions(), now)
    listed = list(islice(schedules, MOST_SCHEDULES + 1))
    report = _with_collisions([reader.schedule(one) for one in listed[:MOST_SCHEDULES]], reader, now)
    return replace(report, complete=report.complete and len(listed) <= MOST_SCHEDULES)


def _without_carriage_returns(text: str) -> tuple[str, list[ReviewWarning]]:
    """When all lines end as on Windows, the text without the carriage returns, and one warning."""
    if not text.count("\n") or text.count("\r\n") != text.count("\n"):
        return text, []
    detail = "All lines end with a carriage return (Windows line ends): cron keeps it as part of each line."
    return text.replace("\r\n", "\n"), [ReviewWarning("carriage_return", detail)]


def _check_size(text: str) -> None:
    if len(text) > MOST_BYTES or len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        detail = f"A crontab may have at most {MOST_BYTES:,} bytes: review it in parts."
        raise InvalidRequest([Problem("crontab", "too_large", detail)])
    if text.count("\n") > MOST_LINES:
        detail = f"A crontab may have at most {MOST_LINES:,} lines here; cron itself reads at most {_CRON_LINES:,}."
        raise InvalidRequest([Problem("crontab", "too_many_lines", detail)])


def _with_collisions(lines: list[ReportLine], reader: Reader, now: datetime) -> Report:
    found = collisions(reader.numbers, now=now)
    for index, line in enumerate(lines):
        trigger = reader.triggers.get(line.number)
        if trigger is not None and trigger in found.warnings:
            lines[index] = replace(line, warnings=(*line.warnings, found.warnings[trigger]))
    return Report("", "", "", tuple(lines), found.minutes, (), found.complete)
