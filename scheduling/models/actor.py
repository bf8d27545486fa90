"""Who did something."""

from __future__ import annotations

from django.db import models


class Actor(models.Model):
    """Who created or changed something, and from where. A row for each that is different, which never changes.

    Names are stored as they were: a user or a token may be renamed or deleted later.
    """

    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the other fields.")
    kind = models.CharField(max_length=10, help_text="user, token, command, beat, crontab, upkeep.")
    user = models.CharField(max_length=254, default="", blank=True, db_index=True, help_text="The name of the user.")
    user_key = models.CharField(max_length=64, default="", blank=True, help_text="The primary key of the user.")
    token = models.CharField(max_length=130, default="", blank=True, help_text="The token's prefix and name.")
    address = models.CharField(max_length=64, default="", blank=True, help_text="The address of the client.")

    def __str__(self) -> str:
        return f"{self.kind} {self.user}".rstrip()
