"""An API token. `api.tokens.service` makes, finds and revokes them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models


class ApiToken(models.Model):
    """What a program shows to act for `user`. The text itself is kept nowhere, only its SHA-256.

    A plain hash is enough for a text of 256 random bits: nobody can try them all (docs/decisions/tokens.md).
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, help_text="What it is for.")
    prefix = models.CharField(max_length=20, db_index=True, help_text="How the token begins.")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token, in hex.")
    owner = models.ForeignKey(
        Group,
        # With SET_NULL the token would see everything.
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The only owner whose things it is for; null for all of its user's.",
    )
    scopes = models.JSONField(help_text="The names of its scopes.")
    created_at = models.DateTimeField()
    # No related name: nobody asks a user for the tokens that they made for others.
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text="Who made it; null for the command line.",
    )
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, help_text="Written at most once a minute.")
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"
