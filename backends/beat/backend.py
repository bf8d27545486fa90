"""The backend `beat`: entries are django-celery-beat rows, visible in Django's admin."""

from __future__ import annotations

from datetime import timedelta

from django.db import DatabaseError, transaction
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from backends.beat.entries import WAKE_TASK, CrontabRow, Row, rows, text
from scheduling.backend import Capabilities, Entry, Health, Outcome, SchedulerBackend
from scheduling.errors import BackendError, Problem
from scheduling.models import Schedule

# A wake-up that no worker took for this long is worth nothing: a later one finds the same occurrences.
WAKE_EXPIRES_SECONDS = 300


class BeatBackend(SchedulerBackend):
    """Writes PeriodicTask rows, enough for the stock DatabaseScheduler; LedgerScheduler does without them."""

    name = "beat"
    capabilities = Capabilities(seconds=True, executors=("worker",), per_host=False)

    def check(self, schedule: Schedule) -> list[Problem]:
        """Nothing stands against any schedule: the clock has seconds, and every worker can run its tasks."""
        return []

    def entries(self, schedule: Schedule) -> list[Entry]:
        """One row, or two where the expression joins its day fields with "or"."""
        return [Entry(schedule.pk, text(row, schedule.pk)) for row in rows(schedule, now=timezone.now())]

    def install(self, schedule: Schedule) -> Outcome:
        """Write the schedule's rows, unless they are there already."""
        try:
            with transaction.atomic():
                self._write(schedule)
        except DatabaseError as exc:
            raise BackendError(f"The PeriodicTask rows could not be written: {exc}") from exc
        return Outcome.DONE

    def remove(self, schedule: Schedule) -> Outcome:
        """Delete the schedule's rows."""
        try:
            with transaction.atomic():
                self._delete([schedule.pk])
        except DatabaseError as exc:
            raise BackendError(f"The PeriodicTask rows could not be deleted: {exc}") from exc
        return Outcome.DONE

    def sync(self) -> None:
        """Rewrite the rows of schedules that differ, and delete rows of schedules that are not on Beat."""
        there = _by_schedule(self.inspect())
        active = {schedule.pk: schedule for schedule in _active()}
        with transaction.atomic():
            self._delete([pk for pk in there if pk not in active])
            for schedule in active.values():
                if there.get(schedule.pk) != sorted(self.entries(schedule)):
                    self._write(schedule)

    def desired(self) -> list[Entry]:
        """The rows of every active schedule that is on Beat."""
        return [entry for schedule in _active() for entry in self.entries(schedule)]

    def inspect(self) -> list[Entry]:
        """Our rows as they are. A row that somebody disabled or changed in the admin shows as what it is now."""
        ours = PeriodicTask.objects.filter(task=WAKE_TASK).select_related("crontab", "interval")
        return [_entry(row) for row in ours.order_by("pk")]

    def health(self) -> Health:
        """The rows live in the database that answers here; whether a beat process runs is seen by what is overdue."""
        late = Schedule.objects.filter(routed_to=self.name, next_due_at__lt=timezone.now() - timedelta(minutes=1))
        overdue = late.count()
        if overdue:
            return Health(
                ok=False,
                detail=f"{overdue} schedules are more than a minute overdue: is celery beat running?",
            )
        return Health(ok=True, detail="nothing is overdue")

    def _write(self, schedule: Schedule) -> None:
        self._delete([schedule.pk])
        if schedule.next_due_at is None:
            return
        for number, row in enumerate(rows(schedule, now=timezone.now())):
            PeriodicTask.objects.create(
                name=f"tandem:{schedule.pk}:{number}",
                task=WAKE_TASK,
                args=f"[{schedule.pk}]",
                description=schedule.name,
                expire_seconds=WAKE_EXPIRES_SECONDS,
                **_clock(row),
            )

    def _delete(self, schedule_ids: list[int]) -> None:
        for pk in schedule_ids:
            PeriodicTask.objects.filter(task=WAKE_TASK, name__startswith=f"tandem:{pk}:").delete()


def _active() -> list[Schedule]:
    return list(Schedule.objects.filter(routed_to=BeatBackend.name, next_due_at__isnull=False))


def _clock(row: Row) -> dict[str, object]:
    """The row of django-celery-beat's own table that says when; shared by all who say the same."""
    if isinstance(row, CrontabRow):
        wanted = {
            "minute": row.minute, "hour": row.hour, "day_of_month": row.day_of_month,
            "month_of_year": row.month_of_year, "day_of_week": row.day_of_week, "timezone": "UTC",
        }  # fmt: skip
        # Not get_or_create: nothing in that table is unique, and two equal rows would be an error then.
        found = CrontabSchedule.objects.filter(**wanted).first() or CrontabSchedule.objects.create(**wanted)
        return {"crontab": found}
    every = {"every": row.seconds, "period": IntervalSchedule.SECONDS}
    return {"interval": IntervalSchedule.objects.filter(**every).first() or IntervalSchedule.objects.create(**every)}


def _entry(task: PeriodicTask) -> Entry:
    schedule_id = int(task.name.split(":")[1])
    if task.crontab is not None:
        clock = task.crontab
        fields = (clock.minute, clock.hour, clock.day_of_month, clock.month_of_year, clock.day_of_week, clock.timezone)
        shown = " ".join(map(str, fields))
    else:
        shown = f"{task.interval.every} {task.interval.period}" if task.interval else "never"
        shown = shown.replace(" seconds", " s") if shown == "never" else f"every {shown.replace(' seconds', ' s')}"
    fires = f"{task.task}({task.args.strip('[]')})"
    return Entry(schedule_id, f"{shown} -> {fires}" + ("" if task.enabled else " (disabled)"))


def _by_schedule(entries: list[Entry]) -> dict[int, list[Entry]]:
    grouped: dict[int, list[Entry]] = {}
    for entry in sorted(entries):
        grouped.setdefault(entry.schedule_id, []).append(entry)
    return grouped
