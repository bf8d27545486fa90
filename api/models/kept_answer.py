"""The answer to a request that may be sent again."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class KeptAnswer(models.Model):
    """What was answered to a POST with an Idempotency-Key. Stored in the transaction that did what was asked for."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+")
    access = models.CharField(max_length=64, default="", blank=True, help_text="Whose rows the user could see; a hash.")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="Of the method, the address and the body.")
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.TextField()
    kept_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "access", "key"], name="tandem_one_answer_per_key")]

    def __str__(self) -> str:
        return f"{self.key} ({self.status})"
