"""Write a summary as an HTML page or as plain text. Django's templates escape everything from the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from django.template.loader import render_to_string

from jobs.summary.figures import Group, Summary, first_line, is_late
from jobs.summary.table import STATUSES


def as_html(summary: Summary) -> str:
    """One page without scripts, images or links, so that mail programs show all of it."""
    parts = [("All tasks", [summary.everything]), ("By job", summary.jobs), ("By schedule", summary.schedules)]
    failures = [
        {"task": row, "error": first_line(row.error), "late": is_late(row, summary.late_after)}
        for row in summary.failures
    ]
    return render_to_string(
        "tandem_jobs/summary.html",
        {
            "summary": summary,
            "statuses": STATUSES,
            "sections": [(title, [_line(group) for group in groups]) for title, groups in parts if groups],
            "failures": failures,
        },
    )


def as_text(summary: Summary) -> str:
    """A few lines, for mail programs that show no HTML."""
    everything = summary.everything
    counts = [f"{status}: {everything.count(status)}" for status in STATUSES if everything.count(status)]
    failed = [f"- {row.name} ({row.task_id}): {first_line(row.error)}" for row in summary.failures]
    return "\n".join([headline(summary), "", *counts, f"late starts: {everything.late}", "", *failed]).rstrip() + "\n"


def headline(summary: Summary) -> str:
    """One line: the number of tasks and failures, and the period."""
    failed = summary.everything.statuses["FAILED"]
    since, until = (f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" for at in (summary.since, summary.until))
    return f"{summary.everything.total} tasks, {failed} failed, {since} to {until} UTC"


def _line(group: Group) -> dict[str, Any]:
    counts: Sequence[int] = [group.count(status) for status in STATUSES]
    return {"group": group, "counts": counts}
