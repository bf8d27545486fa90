"""How many tasks ended, how, after how long, and how late did they begin? Counted from the event log, each end once.

One row says up to which event the log is counted. It changes in the transaction that adds the counts, so a crash
neither loses an end nor counts it twice. Retention deletes tasks, and leaves the counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, F, OuterRef, PositiveSmallIntegerField, QuerySet, Subquery

from scheduling.errors import InvalidRequest, Problem
from scheduling.events import log
from scheduling.events.horizon import Horizon
from scheduling.lateness import Histogram, bucket_of
from scheduling.lifecycle import FINISHED, Status
from scheduling.models import Statistic, StatisticsPosition, TaskAttempt, TaskEvent

GROUPS: Final = ("job", "queue", "schedule")
# One call counts at most this many batches of the log: others of the upkeep get their turn.
MOST_BATCHES: Final = 20
# Rows that one question reads. A month of 50 jobs has fewer.
MOST_ROWS: Final = 50_000
# Ends since the last count that one question looks at: upkeep counts every few seconds.
MOST_UNCOUNTED: Final = 10_000
# The key of the only row of the position.
_ONE: Final = 1
_RAN: Final = {Status.COMPLETED, Status.FAILED}

# A group, a name and an hour.
Key = tuple[str, str, datetime]


@dataclass(slots=True)
class Counts:
    """What was counted, by status and by the numbers of buckets (`scheduling.lateness`)."""

    outcomes: Counter[str] = field(default_factory=Counter)
    durations: Counter[int] = field(default_factory=Counter)
    lateness: Counter[int] = field(default_factory=Counter)

    def add(self, row: Statistic) -> None:
        """Add what a stored row has."""
        self.outcomes.update(row.outcomes)
        self.durations.update(dict(enumerate(row.durations)))
        self.lateness.update(dict(enumerate(row.lateness)))


@dataclass(frozen=True, slots=True)
class End:
    """An end of a task, as the log tells it. Seconds are None where it did not run, or is no occurrence."""

    status: str
    at: datetime
    job: str
    queue: str
    schedule: int | None
    seconds: float | None
    late: float | None

    def places(self) -> Iterable[Key]:
        """Where it counts."""
        hour = _hour_of(self.at)
        yield "job", self.job, hour
        yield "queue", self.queue, hour
        if self.schedule is not None:
            yield "schedule", str(self.schedule), hour


def count(*, now: datetime) -> int:
    """Count what has ended since the last call, a bounded part of it. Returns how many events were read.

    Any number of processes may call it at once: one of them counts. Counting begins with the first call.
    """
    del now  # a step of upkeep gets it; the log has times of its own
    read = 0
    for _ in range(MOST_BATCHES):
        batch = _count_batch()
        read += batch
        if batch < log.BATCH:
            break
    return read


def found(by: str, since: datetime, until: datetime, *, name: str = "") -> dict[str, Counts]:
    """What ended in the hours that begin from `since` on and before `until`, by the names of the group `by`.

    `by` is job, queue or schedule; or hour, whose names are the hours. Raises InvalidRequest for more than MOST_ROWS.
    """
    rows = Statistic.objects.filter(by="job" if by == "hour" else by, hour__gte=since, hour__lt=until)
    if name:
        rows = rows.filter(name=name)
    groups: dict[str, Counts] = defaultdict(Counts)
    read = list(rows.order_by("hour", "name")[: MOST_ROWS + 1])
    if len(read) > MOST_ROWS:
        detail = f"More than {MOST_ROWS:,} rows: write a later `from`, an earlier `to`, or a `name`."
        raise InvalidRequest([Problem("from", "too_many", detail)])
    for row in read:
        groups[row.hour.isoformat().replace("+00:00", "Z") if by == "hour" else row.name].add(row)
    return groups


def ended(since: datetime) -> dict[datetime, Counter[str]] | None:
    """How many tasks ended in each hour that begins from `since` on, by status; None where counting has not begun.

    Three statements, whose work does not grow with the number of tasks: what is counted, and what the log has since
    (at most MOST_UNCOUNTED). For people: what is counted between two of them may be missing for a moment.
    """
    found: dict[datetime, Counter[str]] = defaultdict(Counter)
    for hour, outcomes in Statistic.objects.filter(by="job", hour__gte=since).values_list("hour", "outcomes"):
        found[hour].update(outcomes)
    high = StatisticsPosition.objects.filter(pk=_ONE).values_list("high", flat=True).first()
    if high is None:
        return None
    rest = TaskEvent.objects.filter(pk__gt=high, status__in=FINISHED, at__gte=since).order_by("pk")
    for status, at in rest.values_list("status", "at")[:MOST_UNCOUNTED]:
        found[_hour_of(at)][status] += 1
    return found


def prune(*, now: datetime) -> None:
    """Delete the rows of hours that are longer ago than TANDEM_KEEP_DAYS, and of schedules all but the newest.

    Of schedules at most TANDEM_KEEP_TASKS rows stay, as many as of tasks: there may be very many schedules.
    """
    Statistic.objects.filter(hour__lt=now - timedelta(days=settings.TANDEM_KEEP_DAYS)).delete()
    of_schedules = Statistic.objects.filter(by="schedule")
    edge = of_schedules.order_by("-hour").values_list("hour", flat=True)
    oldest = edge[settings.TANDEM_KEEP_TASKS : settings.TANDEM_KEEP_TASKS + 1].first()
    if oldest is not None:
        of_schedules.filter(hour__lte=oldest).delete()


def ends(events: QuerySet[TaskEvent]) -> list[End]:
    """Those of the events that are ends of tasks."""
    attempt = TaskAttempt.objects.filter(task=OuterRef("task"), started_at__lte=OuterRef("at")).order_by("-number")
    rows = events.filter(status__in=FINISHED).annotate(
        began=Subquery(attempt.values("started_at")[:1], output_field=DateTimeField()),
        tried=Subquery(attempt.values("number")[:1], output_field=PositiveSmallIntegerField()),
    )
    names = ("status", "at", "task__job", "task__queue", "task__schedule_id", "task__due_at", "began", "tried")
    return [_end(*row) for row in rows.values_list(*names)]


def counted(some: Iterable[End]) -> dict[Key, Counts]:
    """The ends, added up. Pure."""
    groups: dict[Key, Counts] = defaultdict(Counts)
    for end in some:
        for key in end.places():
            groups[key].outcomes[end.status] += 1
            if end.seconds is not None:
                groups[key].durations[bucket_of(end.seconds)] += 1
            if end.late is not None:
                groups[key].lateness[bucket_of(end.late)] += 1
    return groups


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _end(
    status: str,
    at: datetime,
    job: str,
    queue: str,
    schedule: int | None,
    due_at: datetime | None,
    began: datetime | None,
    tried: int | None,
) -> End:
    ran = began is not None and status in _RAN
    seconds = (at - began).total_seconds() if ran and began else None
    first = ran and tried == 1 and schedule is not None and due_at is not None
    late = (began - due_at).total_seconds() if first and began and due_at else None
    return End(status, at, job, queue, schedule, seconds, late)


def _count_batch() -> int:
    with transaction.atomic():
        position = StatisticsPosition.objects.select_for_update(skip_locked=True).filter(pk=_ONE).first()
        if position is None:
            return _begin()
        since = Horizon(position.high, {int(missing): number for missing, number in position.gaps.items()})
        news = log.news(since)
        if news.reached == since:
            return 0
        _add(counted(ends(TaskEvent.objects.filter(pk__in=[event for event, _ in news.seen]))))
        position.high, position.gaps = news.reached.high, {str(one): at for one, at in news.reached.gaps.items()}
        position.save()
    return len(news.seen)


def _begin() -> int:
    """Make the row, unless it is there and another process counts just now."""
    if not StatisticsPosition.objects.filter(pk=_ONE).exists():
        head = log.head()
        gaps = {str(one): at for one, at in head.gaps.items()}
        StatisticsPosition.objects.bulk_create(
            [StatisticsPosition(pk=_ONE, high=head.high, gaps=gaps)], ignore_conflicts=True
        )
    return 0


def _add(new: Mapping[Key, Counts]) -> None:
    """Add the counts to the rows, a few statements for all. Whoever does this holds the row of the position."""
    hours, names = {hour for _, _, hour in new}, {name for _, name, _ in new}
    there = {
        (row.by, row.name, row.hour): row
        for row in Statistic.objects.filter(by__in=GROUPS, hour__in=hours, name__in=names).order_by(F("pk"))
        if (row.by, row.name, row.hour) in new
    }
    for key, counts in new.items():
        if key in there:
            counts.add(there[key])
    rows = [
        Statistic(
            by=by,
            name=name,
            hour=hour,
            outcomes=dict(counts.outcomes),
            durations=list(Histogram.of(counts.durations).counts),
            lateness=list(Histogram.of(counts.lateness).counts),
        )
        for (by, name, hour), counts in new.items()
    ]
    Statistic.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["by", "name", "hour"],
        update_fields=["outcomes", "durations", "lateness"],
    )
