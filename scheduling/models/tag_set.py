"""The tags that something has."""

from __future__ import annotations

from django.db import models


class TagSet(models.Model):
    """Some tags, in alphabetical order. Everything with the same tags refers to one row.

    So a task inherits them with one number, and its index finds them on both databases.
    """

    names = models.CharField(max_length=600, unique=True, help_text="The tags, with a blank between two of them.")
    unused_since = models.DateTimeField(null=True, help_text="When retention first found nothing that has it.")

    def __str__(self) -> str:
        return self.names

    @property
    def tags(self) -> list[str]:
        """The tags one by one."""
        return self.names.split()


class TagInSet(models.Model):
    """One tag of a set."""

    tag_set = models.ForeignKey(TagSet, on_delete=models.CASCADE, related_name="members")
    tag = models.CharField(max_length=50)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tag", "tag_set"], name="tandem_one_row_per_tag_in_set")]

    def __str__(self) -> str:
        return self.tag
