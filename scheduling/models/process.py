"""The processes of this installation, on every machine."""

from __future__ import annotations

from datetime import timedelta

from django.db import models


class Process(models.Model):
    """A process that is alive as long as its `pulse` moves; it moves that itself, every few seconds.

    Whether it still moves is for an observer to see, by its own monotonic clock. The times here are for people: they
    are all the database's, so they can be compared with each other.
    """

    key = models.CharField(max_length=100, unique=True, help_text="What no other process has, on any machine.")
    kind = models.CharField(max_length=20, help_text="web, worker, pool, beat, agent, inline.")
    host = models.CharField(max_length=253)
    pid = models.PositiveIntegerField()
    queues = models.JSONField(default=list, help_text="The queues that a worker takes messages from.")
    tzdata = models.CharField(max_length=50, default="", help_text="The release of its time zone data.")
    pulse = models.PositiveBigIntegerField(default=0)
    skew = models.DurationField(default=timedelta(0), help_text="How far its clock is ahead of the database's.")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When it last moved its pulse.")
    came_round_at = models.DateTimeField(
        null=True, blank=True, help_text="When its loop last came round, as its last pulse says; empty without a loop."
    )
    claimed_at = models.DateTimeField(null=True, blank=True, help_text="When it last began an attempt, roughly.")

    def __str__(self) -> str:
        return f"{self.kind} on {self.host}, process {self.pid}"
