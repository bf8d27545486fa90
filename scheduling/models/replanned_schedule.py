"""What a change of the time zone data moved."""

from django.db import models

from scheduling.models.schedule import Schedule


class ReplannedSchedule(models.Model):
    """A schedule whose next time became another one with other time zone data. Upkeep keeps the newest rows."""

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="replanned")
    due_before = models.DateTimeField(null=True, help_text="When it was due next; empty for never.")
    due_after = models.DateTimeField(null=True)
    tzdata_before = models.CharField(max_length=50, help_text="Empty for a release that was taken back.")
    tzdata_after = models.CharField(max_length=50)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"schedule {self.schedule_id}: {self.due_before} -> {self.due_after}"
