"""What would follow from a write? It is done in a transaction that is taken back, and nothing leaves the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from django.db import transaction

_on: Final[ContextVar[bool]] = ContextVar("tandem_dry_run", default=False)


@contextmanager
def tried() -> Iterator[None]:
    """Inside the block, what this thread stores is seen by itself only. At the end of the block it is taken back.

    Code that reaches outside of the database asks `is_on` first: native entries, messages. Notifications need not,
    because they wait for the commit.
    """
    token = _on.set(True)
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        _on.reset(token)


def is_on() -> bool:
    """Whether this thread makes a dry run."""
    return _on.get()
