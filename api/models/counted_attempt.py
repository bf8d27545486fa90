"""Something that may be tried only so often: a login, or making a token. `api.limits.attempts` counts them."""

from __future__ import annotations

from django.db import models


class CountedAttempt(models.Model):
    """One attempt. The key is a hash, because some people type their password where a name should be.

    Rows that are too old to count are deleted with the next attempt of the same key.
    """

    key = models.CharField(max_length=64, help_text="SHA-256 of who tries what.")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["key", "at"], name="tandem_api_attempt_key_at")]

    def __str__(self) -> str:
        return f"{self.key[:8]} at {self.at:%Y-%m-%d %H:%M:%S}"
