"""The audit log: who changed what, and what was different before. Rows are only added; retention alone deletes.

An entry is written in the transaction of its change. It takes its number from the event log's, so a reader resumes both
by one number; and the numbers of entries appear in their order, because one transaction writes entries at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.utils.duration import duration_iso_string

from scheduling import actors
from scheduling.masking import masked
from scheduling.models import AuditEntry, TaskEvent
from scheduling.models.append_only import RETENTION
from scheduling.storable import Json

# Rows that one call of `prune` deletes at most; the next call deletes the rest.
BATCH: Final = 5_000
# Fields that follow from others, or from the time of day: they are no change.
_NOT_SAID: Final = frozenset({"version", "routing_reason"})
# Any number that no other lock of this database has.
_LOCK: Final = 7_261_433_012
_EVENTS: Final = TaskEvent._meta.db_table  # noqa: SLF001 - Django's documented way to a model's table


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to one thing. `changes` has the fields that differ: what was before, and what is after."""

    subject: str
    subject_id: object
    action: str
    name: str = ""
    owner: int | None = None
    changes: Mapping[str, Sequence[Json]] = field(default_factory=dict)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Json]]:
    """The fields that differ, each with what was before and after (null where there was none). Secrets are masked."""
    names = sorted({*before, *after} - _NOT_SAID)
    pairs = {name: (before.get(name), after.get(name)) for name in names}
    return {name: [_shown(name, one) for one in pair] for name, pair in pairs.items() if pair[0] != pair[1]}


def record(*done: Change, now: datetime) -> None:
    """Add entries. Call it at the end of the transaction that makes the changes: it holds a lock until its end."""
    if not done:
        return
    with transaction.atomic(savepoint=False):
        numbers, actor = _numbers(len(done)), actors.current()
        AuditEntry.objects.bulk_create(
            AuditEntry(
                number=number,
                at=now,
                actor=actor,
                subject=one.subject,
                subject_id=str(one.subject_id),
                name=one.name[:200],
                owner=one.owner,
                action=one.action,
                changes=dict(one.changes),
            )
            for number, one in zip(numbers, done, strict=True)
        )


def prune(*, now: datetime) -> None:
    """Delete what is older than TANDEM_KEEP_AUDIT_DAYS, at most BATCH rows."""
    edge = now - timedelta(days=settings.TANDEM_KEEP_AUDIT_DAYS)
    old = list(AuditEntry.objects.filter(at__lt=edge).order_by("at").values_list("pk", flat=True)[:BATCH])
    if not old:
        return
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config(%s, 'on', true)", [RETENTION])
        rows = AuditEntry.objects.filter(pk__in=old)
        rows._raw_delete(rows.db)  # noqa: SLF001 - Django's own delete is what the table refuses


def _numbers(count: int) -> Iterable[int]:
    """So many numbers of the event log. Until the end of the transaction nobody else gets numbers for entries."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "WITH held AS MATERIALIZED (SELECT pg_advisory_xact_lock(%s)) "
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM held, generate_series(1, %s)",
                [_LOCK, _EVENTS, count],
            )
            return [number for (number,) in cursor.fetchall()]
        # SQLite's own table of the numbers that it has given (https://www.sqlite.org/autoinc.html).
        cursor.execute("UPDATE sqlite_sequence SET seq = seq + %s WHERE name = %s RETURNING seq", [count, _EVENTS])
        # All rows are fetched: SQLite has done its work only then.
        given = [last for (last,) in cursor.fetchall()]
        if not given:
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [_EVENTS, count])
        last = int(given[0]) if given else count
    return range(last - count + 1, last + 1)


def _shown(name: str, value: Any) -> Json:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_iso_string(value)
    inner = masked({name: value})
    return inner[name] if isinstance(inner, dict) else None
