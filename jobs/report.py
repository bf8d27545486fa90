"""`report.tasks`: a report on the tasks that ended in a period, by mail or as files."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

from django.conf import settings
from django.utils import timezone
from pydantic import AfterValidator, AwareDatetime, Field

from jobs.confinement import absolute, write_file
from jobs.email import Addresses
from jobs.errors import Cancelled
from jobs.mailing import Email, Line, send
from jobs.summary.figures import Summary, summary
from jobs.summary.page import as_html, as_text, headline
from jobs.summary.rows import ended
from jobs.summary.table import STATUSES, as_csv
from scheduling.job_context import JobContext
from scheduling.owners import access_of_task
from scheduling.registry import job
from scheduling.storable import Json

# Tasks that one report counts; `complete` says whether these were all.
_MOST_TASKS: Final = 100_000

Format = Literal["html", "csv"]


@job("report.tasks")
def tasks(
    context: JobContext,
    *,
    hours: Annotated[float, Field(gt=0, le=8784, description="Length of the period, which ends at `until`.")] = 24,
    until: Annotated[AwareDatetime | None, Field(description="End of the period: the due time unless given.")] = None,
    late_after: Annotated[
        float, Field(ge=0, description="A start more than so many seconds after its due time is late.")
    ] = 60,
    formats: Annotated[list[Format] | None, Field(description="What to write: both unless given.")] = None,
    folder: Annotated[
        str | None,
        AfterValidator(lambda path: path if path is None else absolute(path)),
        Field(max_length=3000, description="Absolute path of the folder to write files to."),
    ] = None,
    to: Annotated[Addresses | None, Field(description="Addresses to mail the report to.")] = None,
    subject: Annotated[Line | None, Field(description="Subject of the mail.")] = None,
) -> dict[str, Json]:
    """Report on the tasks that ended in a period.

    The report has counts by status, job and schedule, run times (median and 95th percentile), the number of late
    starts, and the newest failures with the first line of their errors. It is written into `folder` as
    `tasks-<end of the period>.html` and `.csv`, and mailed to `to`. The folder must lie within one of the folders of
    the setting TANDEM_FILES_ROOTS. Returns the counts, `files`, `mailed` (the number of addresses), and `complete`:
    false if there were more than 100,000 tasks. Then the newest 100,000 are counted.

    Raises FolderRefused, FileRefused, NotSent and Cancelled.
    """
    end = until or context.due_at or timezone.now()
    found = _counted(context, end - timedelta(hours=hours), end, timedelta(seconds=late_after))
    written = _written(found, formats or ["html", "csv"])
    files = _filed(found, written, folder)
    if to:
        attachments = [(_name(found, "csv"), written["csv"], "text/csv")] if "csv" in written else []
        message = Email(
            subject or headline(found), as_text(found), to, html=written.get("html"), attachments=attachments
        )
        send(message, task_id=context.task_id)
    return _figures(found) | {"files": files, "mailed": len(to or ())}


def _figures(found: Summary) -> dict[str, Json]:
    statuses: dict[str, Json] = {status: found.everything.count(status) for status in STATUSES}
    return {
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "tasks": found.everything.total,
        "statuses": statuses,
        "late": found.everything.late,
        "p50_seconds": found.everything.p50,
        "p95_seconds": found.everything.p95,
        "complete": found.complete,
    }


def _counted(context: JobContext, since: datetime, until: datetime, late_after: timedelta) -> Summary:
    def page_read(count: int) -> None:
        context.progress(min(count, _MOST_TASKS), _MOST_TASKS, f"{count:,} tasks read")
        if context.cancelled:
            raise Cancelled

    rows = ended(since, until, page_read=page_read, access=access_of_task(context.task_id))
    return summary(rows, since=since, until=until, late_after=late_after, most=_MOST_TASKS)


def _written(found: Summary, formats: list[Format]) -> dict[str, str]:
    writers = {"html": as_html, "csv": as_csv}
    return {name: writers[name](found) for name in dict.fromkeys(formats)}


def _filed(found: Summary, written: dict[str, str], folder: str | None) -> list[Json]:
    if folder is None:
        return []
    paths = {f"{folder.rstrip('/')}/{_name(found, suffix)}": text for suffix, text in written.items()}
    for path, text in paths.items():
        write_file(path, settings.TANDEM_FILES_ROOTS, text.encode("utf-8", "replace"))
    return [*paths]


def _name(found: Summary, suffix: str) -> str:
    return f"tasks-{found.until.astimezone(UTC):%Y%m%dT%H%M%SZ}.{suffix}"
