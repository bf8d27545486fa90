"""Tags: what they may be, and how rows find those with the same ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef

from scheduling.errors import Problem
from scheduling.models import Schedule, TagInSet, TagSet, Task, Workflow
from scheduling.models.owned import Owned
from scheduling.phrases import phrase

# Something is found by a few words; a list of many would be data.
MOST: Final = 10
# A row that was given the set a moment ago may not be stored yet.
FORGOTTEN_AFTER: Final = timedelta(days=1)
WHAT_TO_WRITE: Final = phrase(
    "Write lower-case letters, digits, dots, dashes and underscores, at most 50; begin with no mark."
)
_TAG: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,49}", re.ASCII)


def problems_with(tags: list[str]) -> Iterator[Problem]:
    """What is wrong with the tags of a schedule, a task or a workflow."""
    if len(tags) > MOST:
        yield Problem("tags", "too_many", phrase("Write at most {most} tags.", most=MOST))
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


def prune(*, now: datetime) -> None:
    """Delete the sets that nothing has had for a day. One that is asked for meanwhile stays."""
    kinds: tuple[type[Owned], ...] = (Schedule, Task, Workflow)
    unused = [~Exists(kind._default_manager.filter(tag_set=OuterRef("pk"))) for kind in kinds]  # noqa: SLF001 - Django's documented way to any model's manager
    TagSet.objects.filter(*unused, unused_since=None).update(unused_since=now)
    TagSet.objects.filter(*unused, unused_since__lt=now - FORGOTTEN_AFTER).delete()


def _stored(names: str) -> TagSet:
    with transaction.atomic():
        found, is_new = TagSet.objects.get_or_create(names=names)
        if is_new:
            TagInSet.objects.bulk_create(TagInSet(tag_set=found, tag=tag) for tag in found.tags)
        # Retention may just be deleting it: then it is made again. The row that is changed here stays.
        elif found.unused_since is not None and not TagSet.objects.filter(pk=found.pk).update(unused_since=None):
            return _stored(names)
    return found
