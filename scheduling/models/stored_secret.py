"""A secret that the database keeps, encrypted."""

from __future__ import annotations

from django.db import models

from scheduling.models.actor import Actor


class StoredSecret(models.Model):
    """A secret that parameters may name. `sealed` opens with a key of TANDEM_SECRET_KEYS only."""

    name = models.CharField(max_length=64, primary_key=True)
    sealed = models.TextField()
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(
        Actor, null=True, blank=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )

    def __str__(self) -> str:
        return self.name
