"""`ws/tasks/<id>/` and `ws/tasks/`: live status over WebSocket."""

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

from api.feed.admission import from_foreign_page, subprotocol, user_of
from api.feed.messages import Update
from api.feed.reader import ALL, reader
from api.feed.streams import feed_updates, task_updates
from api.feed.subscriptions import SlowClient, Subscription
from api.feed.threads import in_thread
from scheduling.errors import NotFound

log = logging.getLogger(__name__)

# What sending raises once the client has left: OSError by the ASGI specification (2.4), RuntimeError where uvicorn has
# closed the socket itself, of a client that answered no ping.
_LEFT = (OSError, RuntimeError)


class Close(IntEnum):
    """Why the server closes a socket (RFC 6455, section 7.4); 4000 and above are ours, by their neighbours in HTTP."""

    FAULT = 1011
    BAD_REQUEST = 4400
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    NOT_FOUND = 4404
    TOO_SLOW = 4408


class Refused(Exception):
    """The socket is closed with a code."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class _Left(Exception):
    """The client is not there any more."""


class UpdatesSocket(AsyncWebsocketConsumer, ABC):  # type: ignore[misc]  # channels has no type hints
    """Sends updates until the client leaves; what the client says is ignored."""

    async def connect(self) -> None:
        """Begin; the handshake ends once the client is subscribed, so that it misses nothing from then on."""
        self._accepted = False
        self._session = asyncio.create_task(self._serve())

    async def disconnect(self, code: int) -> None:
        """The client has left."""
        self._session.cancel()

    @property
    @abstractmethod
    def watched(self) -> int | None:
        """The task that is watched, or ALL."""

    @abstractmethod
    def updates(self, subscription: Subscription, after: int | None) -> AsyncGenerator[Update, None]:
        """What this socket sends."""

    def _after(self) -> int | None:
        """What `?after=` says. Raises Refused where it is no number."""
        query = parse_qs(self.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        [given] = query.get("after", [None])[-1:]
        if given is None:
            return None
        if not re.fullmatch("[0-9]{1,18}", given):
            raise Refused(Close.BAD_REQUEST, "after is the number to go on after")
        return int(given)

    async def _serve(self) -> None:
        try:
            await self._admit()
            await self._send_updates()
        except Refused as exc:
            await self._close(exc.code, exc.reason)
        except NotFound as exc:
            await self._close(Close.NOT_FOUND, exc.detail)
        except (SlowClient, TimeoutError):
            await self._close(Close.TOO_SLOW, "too slow: connect again with ?after=")
        except _Left:
            return
        except Exception:
            log.exception("live status failed")
            await self._close(Close.FAULT, "a fault in Tandem; its log says more")

    async def _admit(self) -> None:
        if from_foreign_page(self.scope):
            raise Refused(Close.FORBIDDEN, "the Origin is none of this service's hosts")
        if await in_thread(user_of)(self.scope) is None:
            raise Refused(Close.UNAUTHENTICATED, "a token or a session is needed")

    async def _send_updates(self) -> None:
        after = self._after()
        # Sending waits for the client; a queue that overflows meanwhile ends the wait.
        async with (
            asyncio.timeout(None) as patience,
            reader().subscription(self.watched, lambda: patience.reschedule(0)) as subscription,
            aclosing(self.updates(subscription, after)) as updates,
        ):
            await self._accept()
            async for update in updates:
                await self._send(update.text)

    async def _accept(self) -> None:
        if not self._accepted:
            self._accepted = True
            await self.accept(subprotocol(self.scope))

    async def _send(self, text: str) -> None:
        try:
            await self.send(text_data=text)
        except _LEFT as exc:
            raise _Left from exc

    async def _close(self, code: Close, reason: str) -> None:
        with contextlib.suppress(*_LEFT):
            # A browser is not told why a handshake failed, but it is told the code of a close.
            await self._accept()
            # Waits until the client takes it, which costs nothing more: nothing is kept for it now.
            await self.close(int(code), reason)


class TaskSocket(UpdatesSocket):
    """One task: where it stands, then each change; `?after=` a number resumes."""

    @property
    def watched(self) -> int:
        return int(self.scope["url_route"]["kwargs"]["task_id"])

    def updates(self, subscription: Subscription, after: int | None) -> AsyncGenerator[Update, None]:
        return task_updates(subscription, self.watched, after=after)


class FeedSocket(UpdatesSocket):
    """All tasks; `?after=` a position resumes."""

    watched = ALL

    def updates(self, subscription: Subscription, after: int | None) -> AsyncGenerator[Update, None]:
        return feed_updates(subscription, after=after)


class NowhereSocket(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no type hints
    """An address that leads nowhere."""

    async def connect(self) -> None:
        """Say so."""
        await self.accept()
        await self.close(int(Close.NOT_FOUND), "there are ws/tasks/ and ws/tasks/<id>/")
