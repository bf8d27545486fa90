"""A machine that has a crontab."""

from django.db import models


class Host(models.Model):
    """Told by the machine itself: its agent, or the API process where there is only one machine."""

    name = models.CharField(max_length=253, unique=True)
    crontab = models.CharField(max_length=500, help_text="Which crontab its lines are in.")
    zone = models.CharField(max_length=64, help_text="The time zone its cron daemon lives in.")
    heartbeat_at = models.DateTimeField()
    drift = models.JSONField(default=list, help_text="What differed from the schedules when it last looked.")
    error = models.TextField(default="", blank=True, help_text="Why it could not bring its crontab up to date.")

    def __str__(self) -> str:
        return self.name
