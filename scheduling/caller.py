"""Who asks? Set once at each edge (a request, a command, a sweep), and read by all code that stores or shows something.

A context variable and no argument: if an edge forgot the argument, everybody would see its rows, and nobody would be
named as their author (docs/decisions/audit.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, TypeAlias

Access: TypeAlias = "frozenset[int] | None"
"""Whose rows somebody may see: those of these owners (numbers of groups), or all rows and unowned ones too (None)."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks for something. `kind` is user, token, command, beat, crontab, upkeep or nobody.

    `user` is the name and `user_key` the primary key of the user, `token` the prefix and name of the token, and
    `address` the client's. `access` is what the caller may see and change.
    """

    kind: str
    user: str = ""
    user_key: str = ""
    token: str = ""
    address: str = ""
    access: Access = None


NOBODY: Final = Caller("nobody", access=frozenset())
"""A request without a login: it sees nothing."""

# Asked each time: who sends a request is known only after its token has been looked at.
_asked: Final[ContextVar[Callable[[], Caller] | None]] = ContextVar("tandem_caller", default=None)


@contextmanager
def acting(caller: Caller | Callable[[], Caller]) -> Iterator[None]:
    """Inside the block, this thread acts for `caller`, or for the caller that the function returns each time."""
    before = _asked.get()
    _asked.set((lambda: caller) if isinstance(caller, Caller) else caller)
    try:
        yield
    finally:
        # Not by a token of the variable: a server may end a request in another context than it began.
        _asked.set(before)


def current() -> Caller | None:
    """Who asks; None for Tandem itself, which sees everything."""
    asked = _asked.get()
    return asked() if asked is not None else None


def access() -> Access:
    """What who asks may see and change."""
    caller = current()
    return caller.access if caller is not None else None
