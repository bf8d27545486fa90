"""Which live connections are open, how many may one token have, and when must one end?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from django.conf import settings

from api.bindings.service import narrowed, owners_of_users
from api.feed.threads import in_thread
from api.tokens import service
from scheduling import clock
from scheduling.caller import Access
from scheduling.database_away import unavailable
from scheduling.roles import with_role

log = logging.getLogger(__name__)

# How long a connection may outlive its token: each look costs one query, and one for each user.
LOOK_SECONDS: Final = 5.0


class TooManyConnections(Exception):
    """The token, or the user of a session, has as many connections to this process as are allowed."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who opened a connection: a token, or the session of a user (`token_id` is None), and whose tasks they see."""

    user_id: int
    token_id: int | None
    access: Access = None


class Connections:
    """The open live connections of an event loop. Looks every LOOK_SECONDS whether each of them may stay."""

    def __init__(self) -> None:
        self._open: dict[Visitor, set[Callable[[], None]]] = {}
        self._looking: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def place(self, visitor: Visitor, withdrawn: Callable[[], None]) -> AsyncIterator[None]:
        """Count a connection inside the block. `withdrawn` is called when its visitor may not stay: the token was
        revoked or has expired, the user is not active or has no role any more, or is bound to other owners.

        Raises TooManyConnections.
        """
        if is_full(visitor):
            raise TooManyConnections
        _numbers[visitor] = _numbers.get(visitor, 0) + 1
        self._open.setdefault(visitor, set()).add(withdrawn)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_on(), name="live connections")
        try:
            yield
        finally:
            self._forget(visitor, withdrawn)

    def _forget(self, visitor: Visitor, withdrawn: Callable[[], None]) -> None:
        self._open[visitor].discard(withdrawn)
        if not self._open[visitor]:
            del self._open[visitor]
        _numbers[visitor] -= 1
        if not _numbers[visitor]:
            del _numbers[visitor]

    async def _look_on(self) -> None:
        try:
            while self._open:
                await asyncio.sleep(LOOK_SECONDS)
                await self._look()
        finally:
            self._looking = None

    async def _look(self) -> None:
        present = tuple(self._open)
        try:
            staying = await in_thread(still_admitted)(present)
        except Exception as exc:
            # The next look decides. Without this, one error would let every connection stay for good.
            if not unavailable(exc):
                log.exception("the live connections could not be looked at")
            return
        for visitor in set(present) - staying:
            for withdrawn in tuple(self._open.get(visitor, ())):
                withdrawn()


def connections() -> Connections:
    """Those of the running event loop; a web process has one loop."""
    return _connections.setdefault(asyncio.get_running_loop(), Connections())


def is_full(visitor: Visitor) -> bool:
    """Whether the visitor has as many connections to this process as are allowed. May be asked in any thread."""
    return _numbers.get(visitor, 0) >= int(settings.TANDEM_LIVE_CONNECTIONS)


def still_admitted(visitors: Collection[Visitor]) -> set[Visitor]:
    """Those who may stay. Queries the database."""
    token_ids = [visitor.token_id for visitor in visitors if visitor.token_id is not None]
    tokens = dict(service.valid(clock.now()).filter(pk__in=token_ids).values_list("pk", "owner_id"))
    users = with_role(visitor.user_id for visitor in visitors)
    owners = owners_of_users(users)
    return {
        one
        for one in visitors
        if one.user_id in users
        and (one.token_id is None or one.token_id in tokens)
        and one.access == narrowed(owners[one.user_id], tokens.get(one.token_id) if one.token_id else None)
    }


_connections: WeakKeyDictionary[asyncio.AbstractEventLoop, Connections] = WeakKeyDictionary()
_numbers: dict[Visitor, int] = {}
