"""How is the review of a whole crontab asked for, and how is the report shown?"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rest_framework import serializers

from api.advice import ClockChangeOutput, WarningOutput
from api.cron.serializers import FORMS
from api.fields import Choice, Instant, StrictSerializer, Text, Whole, utc_text
from api.schedules.serializers import OccurrenceOutput
from scheduling.review.collisions import Collision
from scheduling.review.report import Report
from scheduling.review.report_lines import MOST_NEXT, ReportLine
from scheduling.timing.warnings import ReviewWarning
from scheduling.timing.zones import tzdata_version, zone
from scheduling.words.warnings import warning_text


class ReviewInput(StrictSerializer):
    """A whole crontab, and the time zone of its machine."""

    crontab = Text(trim_whitespace=False, allow_blank=True, help_text="At most 1,000,000 bytes and 20,000 lines.")
    form = Choice(
        choices=FORMS,
        default="auto",
        help_text="system: each line names a user, as in /etc/crontab. user: no line does. auto: found from the text.",
    )
    timezone = Text(default="UTC", max_length=64, help_text="An IANA name.")
    count = Whole(default=3, min_value=0, max_value=MOST_NEXT, help_text="How many next occurrences for each line.")


class ReportLineOutput(serializers.Serializer[ReportLine]):
    """A line of a crontab (`number` from 1), or a schedule (`number` is its id)."""

    number = serializers.IntegerField()
    kind = serializers.CharField(
        help_text="A line: entry, at_start, assignment, comment, blank or error. A schedule: schedule, paused or error."
    )
    text = serializers.CharField(help_text="The line as written, or the name of the schedule.")
    expression = serializers.CharField()
    timezone = serializers.CharField()
    user = serializers.CharField()
    command = serializers.CharField(help_text="The command that the shell runs, or the job of the schedule.")
    stdin = serializers.CharField(allow_null=True, help_text="What the command reads from its standard input.")
    environment = serializers.DictField(child=serializers.CharField())
    words = serializers.CharField()
    next_occurrences = OccurrenceOutput(many=True)
    warnings = WarningOutput(many=True)
    error = serializers.CharField(help_text="Why cron or Tandem refuses the line; empty if it does not.")
    error_code = serializers.CharField()


class CollisionOutput(serializers.Serializer[Collision]):
    """A minute at which several lines start."""

    at = Instant()
    count = serializers.IntegerField()
    numbers = serializers.ListField(child=serializers.IntegerField(), help_text="The numbers of the first twenty.")


class ReportOutput(serializers.Serializer[Report]):
    """The report, line by line. `collisions` are the busiest minutes of the next 24 hours."""

    form = serializers.CharField()
    form_reason = serializers.CharField()
    timezone = serializers.CharField()
    language = serializers.CharField()
    entry_count = serializers.IntegerField()
    error_count = serializers.IntegerField()
    complete = serializers.BooleanField(
        help_text="False if schedules are left out, or not all collisions were looked for."
    )
    warnings = WarningOutput(many=True)
    collisions = CollisionOutput(many=True)
    lines = ReportLineOutput(many=True)
    tzdata = serializers.CharField()


def report_members(report: Report, language: str) -> dict[str, Any]:
    """The members of ReportOutput, built without it: a serializer takes six seconds for ten thousand lines."""
    return {
        "form": report.form,
        "form_reason": report.form_reason,
        "timezone": report.timezone,
        "language": language,
        "entry_count": report.count("entry", "at_start", "schedule", "paused"),
        "error_count": report.count("error"),
        "complete": report.complete,
        "warnings": [_warning(one, language) for one in report.warnings],
        "collisions": [
            {"at": utc_text(one.at), "count": one.count, "numbers": one.numbers} for one in report.collisions
        ],
        "lines": [_line(line, language) for line in report.lines],
        "tzdata": tzdata_version(),
    }


def _line(line: ReportLine, language: str) -> dict[str, Any]:
    local = zone(line.timezone) if line.next_occurrences else None
    return {
        "number": line.number,
        "kind": str(line.kind),
        "text": line.text,
        "expression": line.expression,
        "timezone": line.timezone,
        "user": line.user,
        "command": line.command,
        "stdin": line.stdin,
        "environment": dict(line.environment),
        "words": line.words,
        "next_occurrences": [_occurrence(at, local) for at in line.next_occurrences],
        "warnings": [_warning(one, language) for one in line.warnings],
        "error": line.error,
        "error_code": line.error_code,
    }


def _occurrence(at: datetime, local: ZoneInfo | None) -> dict[str, str]:
    return {"local": at.astimezone(local).isoformat(), "utc": utc_text(at)}


def _warning(warning: ReviewWarning, language: str) -> dict[str, Any]:
    clock_changes: Any = warning.clock_changes  # the type stubs do not know the argument `many`
    shown = ClockChangeOutput(clock_changes, many=True).data if clock_changes else []
    return {"code": warning.code, "detail": warning_text(warning, language), "clock_changes": shown}
