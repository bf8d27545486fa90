"""What does a caller store in the same transaction as the write that it asks for?

A caller that must know, also after a crash, whether its write was done keeps a receipt. It is stored together with what
was asked for, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeAlias

# Called with what the write has made or changed, in its transaction. What it raises ends the transaction.
Keep: TypeAlias = Callable[[Any], None]

_keep: Final[ContextVar[Keep | None]] = ContextVar("tandem_receipt", default=None)


@contextmanager
def kept_by(keep: Keep) -> Iterator[None]:
    """Inside the block, each write of this thread calls `keep`."""
    token = _keep.set(keep)
    try:
        yield
    finally:
        _keep.reset(token)


def leave(made: object) -> None:
    """Called by each write at the end of its transaction, with what it has made or changed."""
    keep = _keep.get()
    if keep is not None:
        keep(made)
