"""Schedules as a person reviews them, before or after they are saved: words, what comes next, what to mind."""

from __future__ import annotations

from scheduling.models import Schedule
from scheduling.review.expression import MOST_NEXT, OnBackend, Review, review_cron, review_every
from scheduling.review.lines import ReportLine, Wanted
from scheduling.review.report import Report, of_crontab, of_schedules
from scheduling.timing.words import DEFAULT, describe

__all__ = [
    "MOST_NEXT",
    "OnBackend",
    "Report",
    "ReportLine",
    "Review",
    "Wanted",
    "of_crontab",
    "of_schedules",
    "review_cron",
    "review_every",
    "words",
]


def words(schedule: Schedule, *, language: str = DEFAULT) -> str:
    """The schedule's trigger in plain words."""
    return describe(schedule.trigger, language=language)
