"""A machine that has a crontab."""

from django.db import models


class Host(models.Model):
    """A row is written by the machine's agent, or by the API process when there is only one machine."""

    name = models.CharField(max_length=253, unique=True)
    crontab = models.CharField(max_length=500, help_text="The crontab that holds Tandem's lines.")
    zone = models.CharField(max_length=64, help_text="The time zone of its cron daemon.")
    tzdata = models.CharField(max_length=50, default="", help_text="The release of its system's time zone data.")
    zone_differs = models.TextField(
        default="", blank=True, help_text="From when its system has other rules for this zone than Tandem; or empty."
    )
    heartbeat_at = models.DateTimeField()
    drift = models.JSONField(default=list, help_text="What differed from the schedules at the last look.")
    error = models.TextField(default="", blank=True, help_text="Why its crontab could not be updated.")

    def __str__(self) -> str:
        return self.name
