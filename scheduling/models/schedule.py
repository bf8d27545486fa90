"""A job that recurs."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from scheduling import keys
from scheduling.models.actor import Actor
from scheduling.models.execution_options import ExecutionOptions
from scheduling.models.owned import Owned, indexes_of_owned
from scheduling.models.text_index import TextIndex
from scheduling.planning import Policy
from scheduling.timing import Cron, Every, Planned, Trigger, tzdata_version


class Overlap(models.TextChoices):
    """What to do with an occurrence while an earlier task of the schedule is still open."""

    SKIP = "skip"
    QUEUE = "queue"
    REPLACE = "replace"
    ALLOW = "allow"


class CatchUp(models.TextChoices):
    """What to do with occurrences that were missed, for example during an outage."""

    NONE = "none"
    LATEST = "latest"
    ALL = "all"


class OnHostLost(models.TextChoices):
    """What to do with tasks that must run on the schedule's host while that is lost, and that nobody has claimed."""

    WAIT = "wait"
    WORKER = "worker"
    ANY_HOST = "any_host"


class DatabaseAway(models.TextChoices):
    """What a host does with an occurrence that is due while the database is away."""

    WAIT = "wait"
    RUN = "run"


class SyncState(models.TextChoices):
    """Whether the native entries match the schedule."""

    IN_SYNC = "in_sync"
    PENDING = "pending"
    OUT_OF_SYNC = "out_of_sync"


class Schedule(Owned, ExecutionOptions):
    """A recurring job: its trigger, time zone, policies and backend, and up to when its occurrences are decided."""

    key = models.CharField(max_length=keys.LONGEST, default=keys.unnamed, help_text="For programs.")
    name = models.CharField(max_length=200)
    description = models.TextField(default="", blank=True)
    job = models.CharField(max_length=100)
    parameters = models.JSONField(default=dict, blank=True)

    cron = models.CharField(max_length=10_000, default="", blank=True, help_text="Five fields; empty for an interval.")
    every = models.PositiveIntegerField(null=True, blank=True, help_text="Seconds; empty for a cron expression.")
    anchor = models.DateTimeField(help_text="Where an interval counts from.")
    timezone = models.CharField(max_length=64, default="UTC")
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)

    backend = models.CharField(max_length=50, help_text="As requested: a backend's name or auto.")
    routed_to = models.CharField(max_length=50, help_text="The backend that was chosen.")
    routing_reason = models.CharField(max_length=500, default="", blank=True)
    executor = models.CharField(max_length=50, help_text="As requested: an executor's name or auto.")
    runs_on = models.CharField(max_length=50, help_text="The executor that was chosen.")
    host = models.CharField(max_length=253, default="", blank=True, help_text="The machine whose crontab is used.")

    overlap = models.CharField(max_length=10, choices=Overlap, default=Overlap.SKIP)
    catch_up = models.CharField(max_length=10, choices=CatchUp, default=CatchUp.NONE)
    catch_up_window = models.DurationField(default=timedelta(hours=24))
    grace = models.DurationField(default=timedelta(minutes=5))
    database_away = models.CharField(
        max_length=4,
        choices=DatabaseAway,
        default=DatabaseAway.WAIT,
        help_text="What its host does with an occurrence that is due while the database is away.",
    )

    on_host_lost = models.CharField(max_length=10, choices=OnHostLost, default=OnHostLost.WAIT)

    paused = models.BooleanField(default=False)
    cursor = models.DateTimeField(help_text="Occurrences up to this time are decided.")
    next_due_at = models.DateTimeField(null=True, blank=True, help_text="Empty while paused, and after the end.")
    tzdata = models.CharField(
        max_length=50,
        default="",
        blank=True,
        help_text="The release of the time zone data that next_due_at was worked out with; empty for an interval.",
    )

    woken_at = models.DateTimeField(
        null=True, blank=True, help_text="When a wake-up of its host last decided something; empty without a host."
    )
    overdue_at = models.DateTimeField(
        null=True, blank=True, help_text="When upkeep last decided what no wake-up had decided in time."
    )

    sync_state = models.CharField(max_length=15, choices=SyncState, default=SyncState.PENDING)
    sync_error = models.TextField(default="", blank=True)

    changed_by = models.ForeignKey(
        Actor, null=True, blank=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            # A key is unique for its owner, and among those without one.
            models.UniqueConstraint(
                fields=["owner", "key"], name="tandem_one_schedule_per_key", condition=Q(owner__isnull=False)
            ),
            models.UniqueConstraint(fields=["key"], name="tandem_one_unowned_per_key", condition=Q(owner__isnull=True)),
            models.CheckConstraint(
                name="tandem_schedule_has_one_trigger",
                condition=Q(cron="", every__gte=1) | (~Q(cron="") & Q(every__isnull=True)),
            ),
            models.CheckConstraint(
                name="tandem_schedule_ends_after_it_starts",
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=models.F("starts_at")),
            ),
        ]
        indexes = [
            *indexes_of_owned("schedule"),
            # Dispatch runs this query every second. Its cost must depend on the due schedules only, not on all of them.
            models.Index(
                fields=["routed_to", "next_due_at"],
                name="tandem_schedule_due",
                condition=Q(next_due_at__isnull=False),
            ),
            models.Index(fields=["host", "routed_to"], name="tandem_schedule_of_host"),
            # Each page asks when the schedules of each host were last decided. Those of Beat have no host: their
            # dispatch writes neither.
            models.Index(
                fields=["host", "-woken_at"],
                name="tandem_schedule_woken",
                condition=Q(host__gt="", woken_at__isnull=False),
            ),
            models.Index(
                fields=["host", "-overdue_at"],
                name="tandem_schedule_stood_in",
                condition=Q(host__gt="", overdue_at__isnull=False),
            ),
            # For the lists: in the order of the next run, or of the name.
            models.Index(
                fields=["next_due_at", "id"], name="tandem_schedule_by_next", condition=Q(next_due_at__isnull=False)
            ),
            models.Index(fields=["name", "id"], name="tandem_schedule_by_name"),
            models.Index(fields=["queue", "id"], name="tandem_schedule_in_queue", condition=Q(queue__gt="")),
            # For the lists: what few schedules have. Most are neither paused nor out of sync.
            models.Index(fields=["id"], name="tandem_schedule_paused", condition=Q(paused=True)),
            models.Index(
                fields=["sync_state", "id"], name="tandem_schedule_unsynced", condition=~Q(sync_state=SyncState.IN_SYNC)
            ),
            models.Index(fields=["job", "id"], name="tandem_schedule_by_job"),
            models.Index(fields=["runs_on", "id"], name="tandem_schedule_by_executor"),
            TextIndex(fields=["name"], name="tandem_schedule_named"),
            # Upkeep asks every other second which plans were made with other time zone data: hardly ever one.
            models.Index(fields=["tzdata"], name="tandem_schedule_tzdata", condition=Q(every__isnull=True)),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def trigger(self) -> Trigger:
        """When the schedule is due, without regard to `starts_at`, `ends_at` and pauses.

        Raises InvalidTrigger when this machine no longer knows the time zone.
        """
        if self.every is not None:
            return Every(self.every, self.anchor)
        return Cron.parse(self.cron, self.timezone)

    @property
    def planned_with_other_data(self) -> bool:
        """Whether `next_due_at` depends on time zone data that is not the release of this process."""
        return self.every is None and self.tzdata != tzdata_version()

    @property
    def trigger_as_planned(self) -> Trigger | Planned:
        """The trigger; with the stored `next_due_at` first where that was worked out with other time zone data.

        So what is due is the same for every process. With newer data a stored 17:00 may have been 16:00, and would be
        an hour late and missed.
        """
        trigger = self.trigger
        if isinstance(trigger, Cron) and self.next_due_at is not None and self.planned_with_other_data:
            return Planned(trigger, self.next_due_at)
        return trigger

    def plan_next(self, due_at: datetime | None) -> None:
        """Set when it is due next, as this process has worked it out, and the release of its time zone data."""
        self.next_due_at = due_at
        self.tzdata = "" if self.every is not None else tzdata_version()

    @property
    def policy(self) -> Policy:
        """What planning needs besides the trigger."""
        return Policy(
            overlap=self.overlap,
            catch_up=self.catch_up,
            catch_up_window=self.catch_up_window,
            grace=self.grace,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
        )
