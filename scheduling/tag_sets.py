"""Tags: what they may be, and how rows find those with the same ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from django.db import transaction

from scheduling.errors import Problem
from scheduling.models import TagInSet, TagSet
from scheduling.models.owned import Owned

# Something is found by a few words; a list of many would be data.
MOST: Final = 10
WHAT_TO_WRITE: Final = "Write lower-case letters, digits, dots, dashes and underscores, at most 50; begin with no mark."
_TAG: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}", re.ASCII)


def problems_with(tags: list[str]) -> Iterator[Problem]:
    """What is wrong with the tags of a schedule, a task or a workflow."""
    if len(tags) > MOST:
        yield Problem("tags", "too_many", f"Write at most {MOST} tags.")
    for number, tag in enumerate(tags):
        if not _TAG.fullmatch(tag):
            yield Problem(f"tags.{number}", "not_a_tag", WHAT_TO_WRITE)


def store(rows: Iterable[Owned]) -> None:
    """Let the rows refer to stored sets: to be called before rows with other tags are saved."""
    known: dict[str, TagSet] = {}
    for row in rows:
        if row.tag_set is not None and row.tag_set.pk is None:
            names = row.tag_set.names
            row.tag_set = known[names] = known.get(names) or _stored(names)


def with_tag(tag: str) -> list[int]:
    """The sets that have this tag."""
    return list(TagInSet.objects.filter(tag=tag).values_list("tag_set_id", flat=True))


def _stored(names: str) -> TagSet:
    with transaction.atomic():
        found, is_new = TagSet.objects.get_or_create(names=names)
        if is_new:
            TagInSet.objects.bulk_create(TagInSet(tag_set=found, tag=tag) for tag in found.tags)
    return found
