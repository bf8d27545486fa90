"""`ws/tasks/<id>/` and `ws/tasks/`: how is live status sent over WebSocket?"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from enum import IntEnum
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer  # type: ignore[import-untyped]  # no type hints

from api.feed.admission import NotAllowed, from_foreign_page, subprotocol, visitor_of
from api.feed.connections import TooManyConnections, Visitor, connections
from api.feed.messages import Update
from api.feed.reader import ALL, reader
from api.feed.streams import feed_updates, task_updates
from api.feed.subscriptions import SlowClient, Subscription
from api.feed.threads import in_thread
from scheduling.database_away import unavailable
from scheduling.errors import NotFound

log = logging.getLogger(__name__)

# What `send` raises after the client has left: OSError by the ASGI specification (2.4); RuntimeError if uvicorn itself
# closed the socket because the client answered no ping.
_LEFT = (OSError, RuntimeError)


class Close(IntEnum):
    """Why the server closes a socket (RFC 6455, section 7.4). Ours are 4000 plus the HTTP status with that meaning."""

    FAULT = 1011
    # "Try Again Later", as IANA's registry of close codes has it.
    AWAY = 1013
    BAD_REQUEST = 4400
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404
    TOO_SLOW = 4408
    TOO_MANY = 4429


class Refused(Exception):
    """The client is refused: the socket is closed with this code and reason."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _ClientLeft(Exception):
    """The client has closed the connection, or lost it."""


def _trouble(exc: Exception) -> tuple[Close, str]:
    """The code and reason for an exception that nobody expected; it is logged."""
    if reason := unavailable(exc):
        log.warning("the database is not available: %s", reason)
        return Close.AWAY, "the database is not available: connect again with ?after="
    log.error("live status failed", exc_info=exc)
    return Close.FAULT, "a fault in Tandem; its log has the details"


class UpdatesSocket(AsyncWebsocketConsumer, ABC):  # type: ignore[misc]  # channels has no type hints
    """Sends updates until the client leaves. Messages from the client are ignored."""

    async def connect(self) -> None:
        """Start the session. It accepts the socket after it has subscribed, so that the client misses no event from
        then on.
        """
        self._accepted = self._withdrawn = False
        self._session = asyncio.create_task(self._serve())

    async def disconnect(self, code: int) -> None:
        """End the session: the client has left."""
        self._session.cancel()

    @property
    @abstractmethod
    def watched(self) -> int | None:
        """The id of the task that is watched, or ALL."""

    @abstractmethod
    def updates(self, subscription: Subscription, after: int | None) -> AsyncGenerator[Update, None]:
        """The updates that this socket sends, after the number or position `after` if there is one."""

    def _after(self) -> int | None:
        """The value of `?after=`; None if it is not given. Raises Refused if it is not a number."""
        query = parse_qs(self.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        [given] = query.get("after", [None])[-1:]
        if given is None:
            return None
        if not re.fullmatch("[0-9]{1,18}", given):
            raise Refused(Close.BAD_REQUEST, "after: write a number")
        return int(given)

    async def _serve(self) -> None:
        try:
            await self._send_updates(await self._admit())
        except Refused as exc:
            await self._close(exc.code, exc.reason)
        except TooManyConnections:
            await self._close(Close.TOO_MANY, "too many live connections with this token: close one")
        except NotFound as exc:
            await self._close(Close.NOT_FOUND, exc.detail)
        except (SlowClient, TimeoutError):
            if self._withdrawn:
                await self._close(Close.UNAUTHENTICATED, "the token or session is not valid any more")
            else:
                await self._close(Close.TOO_SLOW, "too slow: connect again with ?after=")
        except _ClientLeft:
            return
        except Exception as exc:  # noqa: BLE001 - it is logged, and the client gets a code
            await self._close(*_trouble(exc))

    async def _admit(self) -> Visitor:
        if from_foreign_page(self.scope):
            raise Refused(Close.FORBIDDEN, "the Origin is not one of this service's hosts")
        try:
            visitor: Visitor | None = await in_thread(visitor_of)(self.scope)
        except NotAllowed as exc:
            raise Refused(Close.FORBIDDEN, "a role, and the scope read, are needed") from exc
        if visitor is None:
            raise Refused(Close.UNAUTHENTICATED, "a token or a session is needed")
        return visitor

    async def _send_updates(self, visitor: Visitor) -> None:
        after = self._after()
        # `send` waits for the client. If its queue overflows meanwhile, or it may not stay, the timeout ends that wait.
        async with (
            asyncio.timeout(None) as patience,
            connections().place(visitor, lambda: self._withdraw(patience)),
            reader().subscription(self.watched, lambda: patience.reschedule(0), visitor.access) as subscription,
            aclosing(self.updates(subscription, after)) as updates,
        ):
            await self._accept()
            async for update in updates:
                await self._send(update.text)

    def _withdraw(self, patience: asyncio.Timeout) -> None:
        self._withdrawn = True
        patience.reschedule(0)

    async def _accept(self) -> None:
        if not self._accepted:
            self._accepted = True
            await self.accept(subprotocol(self.scope))

    async def _send(self, text: str) -> None:
        try:
            await self.send(text_data=text)
        except _LEFT as exc:
            raise _ClientLeft from exc

    async def _close(self, code: Close, reason: str) -> None:
        with contextlib.suppress(*_LEFT):
            # A page cannot see why a handshake failed, but it can see the code of a close: so the socket is accepted.
            await self._accept()
            # Waits until the client reads. That costs no memory: nothing is queued for this client any more.
            await self.close(int(code), reason)


class TaskSocket(UpdatesSocket):
    """One task: its current state, then each event. With `?after=<number>` the events above that number instead."""

    @property
    def watched(self) -> int:
        return int(self.scope["url_route"]["kwargs"]["task_id"])

    def updates(self, subscription: Subscription, after: int | None) -> AsyncGenerator[Update, None]:
        return task_updates(subscription, self.watched, after=after)


class FeedSocket(UpdatesSocket):
    """The events of all tasks. `?after=<position>` resumes after that position."""

    watched = ALL

    def updates(self, subscription: Subscription, after: int | None) -> AsyncGenerator[Update, None]:
        return feed_updates(subscription, after=after)


class NowhereSocket(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no type hints
    """Answers every unknown address."""

    async def connect(self) -> None:
        """Close the socket with NOT_FOUND."""
        await self.accept()
        await self.close(int(Close.NOT_FOUND), "use ws/tasks/ or ws/tasks/<id>/")
