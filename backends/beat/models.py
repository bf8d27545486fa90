"""Which `celery beat` processes are alive."""

from django.db import models


class BeatProcess(models.Model):
    """A running `celery beat` with LedgerScheduler. It writes its own row; rows with an old heartbeat are deleted."""

    host = models.CharField(max_length=253)
    process = models.PositiveIntegerField()
    heartbeat_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["host", "process"], name="tandem_one_row_per_beat")]

    def __str__(self) -> str:
        return f"beat on {self.host}, process {self.process}"
