"""Rows that belong to an owner."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from scheduling.models.actor import Actor
from scheduling.models.tag_set import TagSet


class Owned(models.Model):
    """A schedule, a task or a workflow: whose it is, its tags, and who created it.

    The owner is the number of a Django group and no foreign key: beat and cron read these tables without Django's
    users. Rows of history outlive an actor's user, and no constraint is checked while tasks are made.
    """

    owner = models.BigIntegerField(null=True, blank=True, help_text="The number of the group that it belongs to.")
    tag_set = models.ForeignKey(
        TagSet,
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    created_by = models.ForeignKey(
        Actor, null=True, blank=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )

    class Meta:
        abstract = True

    @property
    def tags(self) -> list[str]:
        """Its tags, in alphabetical order."""
        return self.tag_set.tags if self.tag_set is not None else []

    @tags.setter
    def tags(self, wanted: list[str]) -> None:
        """Give it other tags. `tag_sets.store` must be called before it is saved."""
        self.tag_set = TagSet(names=" ".join(sorted(set(wanted)))) if wanted else None


def indexes_of_owned(kind: str) -> list[models.Index]:
    """For lists of one owner, or with one tag. Where nothing has an owner or a tag they are empty."""
    return [
        models.Index(fields=["owner", "id"], name=f"tandem_{kind}_owned", condition=Q(owner__isnull=False)),
        models.Index(fields=["tag_set", "id"], name=f"tandem_{kind}_tagged", condition=Q(tag_set__isnull=False)),
    ]
