"""Which request, task and schedule the present line of a log belongs to. Pure Python: the settings read it too."""

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
    """Inside, lines are marked with these ids besides those that hold already; one that is None is left out.

    The usual names: `request_id`, `task_id`, `attempt`, `schedule_id`. A thread that is started inside does not inherit
    them unless it is run in a copy of the context (contextvars.copy_context).
    """
    token = _ids.set(
        MappingProxyType({**_ids.get(), **{name: value for name, value in ids.items() if value is not None}})
    )
    try:
        yield
    finally:
        _ids.reset(token)


def current() -> Ids:
    """The ids that hold here."""
    return _ids.get()
