"""What a report says about each line: a line of a crontab, or a stored schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from types import MappingProxyType
from typing import Final, Literal

from scheduling.errors import InvalidTrigger
from scheduling.models import Schedule
from scheduling.planning import next_due
from scheduling.review.crontab_text import CrontabLine, LineKind
from scheduling.timing import Trigger
from scheduling.timing.warnings import ReviewWarning, warnings_of
from scheduling.words import DEFAULT, at_start, describe

# Occurrences of each line, and a table may have ten thousand lines.
MOST_NEXT: Final = 20
# Characters of a line as it stands; what cron holds of one is less.
_SHOWN_TEXT: Final = 2_000
# Assignments in force that are shown with a line: the last ones.
_SHOWN_VARIABLES: Final = 20
# Characters of an assignment's value: each line repeats it.
_SHOWN_VALUE: Final = 100
_NO_ASSIGNMENTS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """How a report is written: occurrences per line, language, and clock of 12 or 24 hours (None: by the language)."""

    count: int = 3
    language: str = DEFAULT
    clock: Literal[12, 24] | None = None


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One line of a crontab, or one schedule. Members without a value are empty.

    `number` is the number of the line (from 1), or the schedule's id. `text` is the line as written, or the schedule's
    name. `environment` holds the last 20 assignments that apply to the line, with shortened values.
    """

    number: int
    kind: str
    text: str
    expression: str = ""
    timezone: str = ""
    user: str = ""
    command: str = ""
    stdin: str | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: _NO_ASSIGNMENTS)
    words: str = ""
    next_occurrences: tuple[datetime, ...] = ()
    warnings: tuple[ReviewWarning, ...] = ()
    error_code: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class _TriggerReview:
    words: str
    next_occurrences: tuple[datetime, ...]
    warnings: tuple[ReviewWarning, ...]


class Reader:
    """Reviews lines one after another. Many lines of a crontab share a trigger, so each trigger is reviewed once."""

    def __init__(self, options: ReportOptions, now: datetime) -> None:
        self.options = options
        self.now = now
        self.numbers: dict[Trigger, list[int]] = {}
        self.triggers: dict[int, Trigger] = {}
        self._reviews: dict[Trigger, _TriggerReview] = {}
        self._environment: Mapping[str, str] = _NO_ASSIGNMENTS

    def line(self, line: CrontabLine, timezone: str) -> ReportLine:
        """Review the next line of a crontab."""
        shown = ReportLine(line.number, line.kind, line.text[:_SHOWN_TEXT], warnings=line.warnings)
        if line.kind is LineKind.ASSIGNMENT:
            self._assign(line)
        if line.kind is LineKind.ERROR:
            return replace(shown, error_code=line.code, error=line.error)
        if line.kind not in {LineKind.ENTRY, LineKind.AT_START}:
            return shown
        shown = replace(
            shown,
            timezone=timezone,
            user=line.user,
            command=line.command,
            stdin=line.stdin,
            environment=self._environment,
        )
        if line.cron is None:
            return replace(shown, expression="@reboot", words=at_start(language=self.options.language))
        review = self._review(line.cron, line.number)
        return replace(
            shown,
            expression=line.cron.expression,
            words=review.words,
            next_occurrences=review.next_occurrences,
            warnings=(*line.warnings, *review.warnings),
        )

    def schedule(self, schedule: Schedule) -> ReportLine:
        """Review a stored schedule. A paused schedule has no next occurrences."""
        shown = ReportLine(
            schedule.pk,
            "paused" if schedule.paused else "schedule",
            schedule.name,
            expression=schedule.cron or f"every {schedule.every} s",
            timezone=schedule.timezone,
            command=schedule.job,
        )
        try:
            trigger = schedule.trigger
        except InvalidTrigger as exc:
            return replace(shown, kind=LineKind.ERROR.value, error_code=exc.code, error=exc.detail)
        review = self._review(trigger, schedule.pk if schedule.next_due_at else None)
        return replace(shown, words=review.words, next_occurrences=self._coming(schedule), warnings=review.warnings)

    def _assign(self, line: CrontabLine) -> None:
        kept = {name: value for name, value in self._environment.items() if name != line.name}
        kept[line.name] = line.value if len(line.value) <= _SHOWN_VALUE else line.value[: _SHOWN_VALUE - 3] + "..."
        self._environment = MappingProxyType(dict(list(kept.items())[-_SHOWN_VARIABLES:]))

    def _review(self, trigger: Trigger, number: int | None) -> _TriggerReview:
        review = self._reviews.get(trigger)
        if review is None:
            review = self._reviews[trigger] = _TriggerReview(
                describe(trigger, language=self.options.language, clock=self.options.clock),
                tuple(islice(trigger.occurrences(self.now), self.options.count)),
                tuple(warnings_of(trigger, now=self.now)),
            )
        if number is not None:
            self.numbers.setdefault(trigger, []).append(number)
            self.triggers[number] = trigger
        return review

    def _coming(self, schedule: Schedule) -> tuple[datetime, ...]:
        found: list[datetime] = []
        due_at, limits, trigger = schedule.next_due_at, schedule.policy, schedule.trigger
        while due_at is not None and len(found) < self.options.count:
            found.append(due_at)
            due_at = next_due(trigger, due_at, limits)
        return tuple(found)
