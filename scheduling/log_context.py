"""Which request, task and schedule a log line belongs to. Pure Python, because the settings import it too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

Ids = Mapping[str, str | int]

_NONE: Final[Ids] = MappingProxyType({})
_ids: ContextVar[Ids] = ContextVar("log_ids", default=_NONE)


@contextmanager
def bound(**ids: str | int | None) -> Iterator[None]:
    """Mark log lines inside the block with these ids, in addition to the ids already set. An id of None is left out.

    The usual names: `request_id`, `task_id`, `attempt`, `schedule_id`. A thread that starts inside the block does not
    inherit the ids, unless it runs in a copy of the context (contextvars.copy_context).
    """
    token = _ids.set(
        MappingProxyType({**_ids.get(), **{name: value for name, value in ids.items() if value is not None}})
    )
    try:
        yield
    finally:
        _ids.reset(token)


def current() -> Ids:
    """The ids that are set here."""
    return _ids.get()
