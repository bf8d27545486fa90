"""The PeriodicTasks that are not ours, as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

from django_celery_beat.models import PeriodicTask

from backends.beat import stored_rows
from scheduling.backend import Foreign
from scheduling.errors import InvalidTrigger
from scheduling.timing import Cron, Every, Trigger

# Where an interval counts from that has never run: Beat sends it when it starts.
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def foreign(most: int) -> list[Foreign]:
    """The first of them by name. One statement."""
    return [_foreign(row) for row in stored_rows.not_ours()[:most]]


def _foreign(row: PeriodicTask) -> Foreign:
    return Foreign(
        row.name, str(row.scheduler or "never"), row.task, trigger_of(row), enabled=row.enabled, number=row.pk
    )


def trigger_of(row: PeriodicTask) -> Trigger | None:
    """The trigger that fires at the same times; None where the two engines read the clock in different ways."""
    try:
        if row.crontab is not None:
            return _cron(row)
        if row.interval is not None and row.interval.period != "microseconds":
            return Every(int(row.interval.schedule.run_every.total_seconds()), _whole(row.last_run_at or _EPOCH))
    except InvalidTrigger:
        return None
    return None


def _cron(row: PeriodicTask) -> Cron | None:
    clock = row.crontab
    # With both day fields Celery means "and", and cron "or".
    if not clock.day_of_month.startswith("*") and not clock.day_of_week.startswith("*"):
        return None
    fields = (clock.minute, clock.hour, clock.day_of_month, clock.month_of_year, clock.day_of_week)
    return Cron.parse(" ".join(field.replace(" ", "") for field in fields), str(clock.timezone))


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)
