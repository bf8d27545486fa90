"""Processes as the database knows them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from scheduling.models import Process
from scheduling.processes import identity
from scheduling.timing import tzdata_version


def ended_process() -> str:
    """The key of a process of this machine that has ended: it had our number, and started at another time."""
    return f"{identity()}0"


def a_process(kind: str, *, silent_for: timedelta = timedelta(0), **fields: Any) -> Process:
    """The row of a process that was seen so long ago."""
    now = timezone.now()
    values = {
        "key": uuid4().hex,
        "host": "testhost",
        "pid": 1,
        "tzdata": tzdata_version(),
        "started_at": now,
        "seen_at": now - silent_for,
    }
    return Process.objects.create(kind=kind, **{**values, **fields})
