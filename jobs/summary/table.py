"""Write a summary as CSV (RFC 4180) in which a spreadsheet finds no formula to run. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Final

from jobs.summary.figures import Group, Summary, first_line
from scheduling.csv_cells import safe
from scheduling.lifecycle import FINISHED

STATUSES: Final = sorted(FINISHED)
HEADER: Final = ["kind", "name", "tasks", *(status.lower() for status in STATUSES), "late", "p50_s", "p95_s", "error"]


def as_csv(summary: Summary) -> str:
    """A header, then a line for all tasks, for each job, each schedule, and each failure of the summary."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(HEADER)
    writer.writerow(_group("all", summary.everything))
    writer.writerows(_group("job", group) for group in summary.jobs)
    writer.writerows(_group("schedule", group) for group in summary.schedules)
    writer.writerows(_failures(summary))
    return written.getvalue()


def _group(kind: str, group: Group) -> list[str]:
    counts = [str(group.count(status)) for status in STATUSES]
    return [kind, safe(group.name), str(group.total), *counts, str(group.late), _s(group.p50), _s(group.p95), ""]


def _failures(summary: Summary) -> Iterator[list[str]]:
    empty = [""] * len(STATUSES)
    for row in summary.failures:
        error = safe(first_line(row.error))
        yield ["failure", safe(row.name), str(row.task_id), *empty, "", _s(row.seconds), "", error]


def _s(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3f}"
