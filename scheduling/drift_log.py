"""The log of differences between engines and schedules.

It is a log of its own, beside that of the tasks: that one has an order for each task, and a reader for thousands of
events a second. A difference is rare, and what counts is whether it is still there. So there is one row for each, whose
number changes with it, and a reader that was away gets the last state of each.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max

from scheduling.difference import Difference
from scheduling.models import DriftRecord, DriftSchedule
from scheduling.storable import storable_text

log = logging.getLogger(__name__)

# Differences of one engine that are recorded at a time: in a table that somebody emptied, ten thousand are alike.
MOST_OPEN: Final = 1_000
# Mended differences that are kept, the newest: two installations that write one table in turn must not fill the disk.
MOST_KEPT: Final = 10_000

# Differences that one line of the process's log names; the table has them all.
MOST_LOGGED: Final = 10

_TABLE: Final = DriftRecord._meta.db_table  # noqa: SLF001 - Django's documented way to a model's table


def keep(backend: str, host: str, seen: Sequence[Difference], *, now: datetime) -> None:
    """Bring the records of one engine in line with what was just seen there.

    What is new gets a row, what was seen before is seen again, and what is no longer there is mended. One statement
    where there is nothing to say. Of `seen` the first MOST_OPEN are recorded.
    """
    rows = DriftRecord.objects.filter(backend=backend, host=host, mended_at=None)
    if not seen and not rows.exists():
        return
    with transaction.atomic():
        _lock()
        known = {(row.kind, row.wanted, row.found): row for row in rows}
        there = {_key(each): each for each in seen[:MOST_OPEN]}
        rows.filter(pk__in=[row.pk for key, row in known.items() if key in there]).update(seen_at=now)
        noticed = [(_record(backend, host, key, now), each) for key, each in there.items() if key not in known]
        mended = [row for key, row in known.items() if key not in there]
        _store(noticed, mended, now)
    changes = [*(("noticed", row) for row, _ in noticed), *(("mended", row) for row in mended)]
    if changes:
        said = "; ".join(f"{what} {row.kind}: {row.found or row.wanted}" for what, row in changes[:MOST_LOGGED])
        log.warning("%d changes of the drift on %s %s: %s", len(changes), backend, host, said)


def prune(*, now: datetime) -> None:
    """Delete what was mended longer ago than TANDEM_KEEP_DAYS, and all but the newest MOST_KEPT.

    Open ones stay, and so does the newest of all: a number is never given twice.
    """
    last = DriftRecord.objects.aggregate(last=Max("number"))["last"]
    mended = DriftRecord.objects.filter(mended_at__isnull=False).exclude(number=last)
    mended.filter(mended_at__lt=now - timedelta(days=settings.TANDEM_KEEP_DAYS)).delete()
    edge = mended.order_by("-number").values_list("number", flat=True)[MOST_KEPT : MOST_KEPT + 1].first()
    if edge is not None:
        mended.filter(number__lte=edge).delete()


def _lock() -> None:
    """Let nobody else write the log until the end of the transaction: its numbers appear in their order.

    SQLite has one writer anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f'LOCK TABLE "{_TABLE}" IN SHARE ROW EXCLUSIVE MODE')


def _store(noticed: Sequence[tuple[DriftRecord, Difference]], mended: Sequence[DriftRecord], now: datetime) -> None:
    """Store what has changed, each with the next number."""
    rows = [row for row, _ in noticed]
    last = DriftRecord.objects.aggregate(last=Max("number"))["last"] or 0
    for number, row in enumerate([*rows, *mended], last + 1):
        row.number = number
    for row in mended:
        row.mended_at = now
    DriftRecord.objects.bulk_create(rows)
    DriftRecord.objects.bulk_update(mended, ["mended_at", "number"], batch_size=500)
    DriftSchedule.objects.bulk_create(
        DriftSchedule(record=row, schedule_id=pk) for row, each in noticed for pk in each.schedule_ids
    )


def _key(each: Difference) -> tuple[str, str, str]:
    return each.kind.value, storable_text(each.wanted), storable_text(each.found)


def _record(backend: str, host: str, key: tuple[str, str, str], now: datetime) -> DriftRecord:
    kind, wanted, found = key
    return DriftRecord(
        backend=backend,
        host=host,
        kind=kind,
        wanted=wanted,
        found=found,
        noticed_by=f"process {os.getpid()} on {settings.TANDEM_HOST}",
        noticed_at=now,
        seen_at=now,
    )
