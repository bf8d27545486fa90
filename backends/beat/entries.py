"""Which django-celery-beat rows stand for a schedule. Pure: rows are values here, not models."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from typing import Final

from scheduling.models import Schedule
from scheduling.timing import Every, Trigger, zone
from scheduling.timing.wake_lines import WakeLine, wake_line

WAKE_TASK: Final = "tandem.fire"
UTC: Final = zone("UTC")
# A row that polls wakes us as often as a crontab row can, and well within the default grace of a schedule.
LONGEST_POLL_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class CrontabRow:
    """The fields of a CrontabSchedule, in UTC.

    `hour` is never one plain number: django-celery-beat does not load such a row more than two hours before or after
    its hour. Celery joins the day fields with "and", so a cron expression that means "or" takes two rows.
    """

    minute: str
    hour: str
    day_of_month: str
    month_of_year: str
    day_of_week: str

    def __str__(self) -> str:
        return f"{self.minute} {self.hour} {self.day_of_month} {self.month_of_year} {self.day_of_week} UTC"


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """The fields of an IntervalSchedule whose period is seconds."""

    every: int

    def __str__(self) -> str:
        return f"every {self.every} s"


Row = CrontabRow | IntervalRow


def rows(schedule: Schedule, *, now: datetime) -> list[Row]:
    """The rows that wake us, under the stock scheduler, within a minute of each occurrence, and perhaps more often.

    They depend on the day (UTC) of `now`, not on its time.
    """
    return list(_rows(schedule.trigger, now.astimezone(UTC).date()))


@lru_cache(maxsize=16_384)
def _rows(trigger: Trigger, day: date) -> tuple[Row, ...]:
    if isinstance(trigger, Every) and (trigger.seconds % 60 or trigger.anchor.second):
        # The stock scheduler counts from its own last run, not from our anchor. A row that runs twice in each interval
        # finds every occurrence.
        return (IntervalRow(min(max(1, trigger.seconds // 2), LONGEST_POLL_SECONDS)),)
    line = wake_line(trigger, UTC, now=datetime.combine(day, time(), UTC))
    if line.day.startswith("*") or line.weekday.startswith("*"):
        return (_row(line, line.day, line.weekday),)
    return _row(line, line.day, "*"), _row(line, "*", line.weekday)


def text(row: Row, schedule_id: int) -> str:
    """The row as the text of an Entry."""
    return f"{row} -> {WAKE_TASK}({schedule_id})"


def _row(line: WakeLine, day: str, weekday: str) -> CrontabRow:
    return CrontabRow(_list(line.minute, 60), _hours(line.hour), day, line.month, weekday)


def _list(values: tuple[int, ...], size: int) -> str:
    """The values of a field from 0 to `size` - 1 as text: `*`, `*/n` if n divides `size`, else a list."""
    step = values[1] - values[0] if len(values) > 2 else size
    if step < size and size % step == 0 and values == tuple(range(0, size, step)):
        return "*" if step == 1 else f"*/{step}"
    return ",".join(map(str, values))


def _hours(values: tuple[int, ...]) -> str:
    return f"{values[0]},{values[0]}" if len(values) == 1 else _list(values, 24)
