"""The one reader of the event log in a web process: what it reads goes to all clients, whatever their number."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final
from weakref import WeakKeyDictionary

from django.db import DatabaseError, InterfaceError

from api.feed.messages import Update, feed_update, update
from api.feed.subscriptions import Subscription
from api.feed.threads import in_thread
from scheduling.events import log as event_log
from scheduling.events import notifier
from scheduling.events.horizon import Horizon, positions
from scheduling.events.log import News

log = logging.getLogger(__name__)

# It looks this often without a notification, while anybody listens: the delay that a lost one costs.
LOOK_SECONDS: Final = 2.0
# It looks at most this often, however many notifications come: the more happens, the more one look finds.
PAUSE_SECONDS: Final = 0.02
# A database that is away is asked again after this.
AGAIN_SECONDS: Final = 1.0
# Events are read with their results, which may be large: so many at a time.
_CHUNK: Final = 50

# The key of those who want every task.
ALL: Final = None


class Reader:
    """Reads what is new, once for all subscriptions. Use it in one event loop.

    It reads when a notification concerns a subscription, and every LOOK_SECONDS. Nobody subscribed: it reads nothing.
    """

    def __init__(self) -> None:
        self._subscriptions: dict[int | None, set[Subscription]] = {}
        self._subscribers = 0
        self._horizon: Horizon | None = None
        self._started = asyncio.Event()
        self._wake = asyncio.Event()
        # Held while something is read and given out.
        self._looking = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None
        self._listening = False

    @asynccontextmanager
    async def subscription(self, task_id: int | None, overflowed: Callable[[], None]) -> AsyncIterator[Subscription]:
        """Inside the block every event of a task (or of ALL) that was not in the log when it began comes in.

        For ALL these are exactly the events that `since` of the subscription does not hold; of one task there may be
        some that are older. Waits for the database if it is away. See Subscription for `overflowed`.
        """
        self._subscribers += 1
        try:
            made = Subscription(await self._present(task_id), overflowed)
            self._subscriptions.setdefault(task_id, set()).add(made)
            try:
                yield made
            finally:
                self._forget(task_id, made)
        finally:
            self._subscribers -= 1

    async def _present(self, task_id: int | None) -> Horizon:
        self._ensure_reading()
        while self._horizon is None:
            await self._started.wait()
        if task_id is ALL:
            async with self._looking:
                return await self._look(self._horizon)
        return self._horizon

    def _forget(self, task_id: int | None, subscription: Subscription) -> None:
        others = self._subscriptions[task_id]
        others.discard(subscription)
        if not others:
            del self._subscriptions[task_id]

    def _ensure_reading(self) -> None:
        if not self._listening:
            self._listening = True
            notifier.listen(partial(self._heard, asyncio.get_running_loop()))
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_on(), name="feed reader")

    def _heard(self, loop: asyncio.AbstractEventLoop, task_ids: Collection[int]) -> None:
        # In the notifier's thread, which outlives the loop.
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._notified, task_ids)

    def _notified(self, task_ids: Collection[int]) -> None:
        if not task_ids or ALL in self._subscriptions or not self._subscriptions.keys().isdisjoint(task_ids):
            self._wake.set()

    async def _read_on(self) -> None:
        try:
            while self._subscribers:
                await self._look_safely()
                await asyncio.sleep(PAUSE_SECONDS)
                await self._until_notified()
        finally:
            # Who subscribes later begins at the end that the log has then.
            self._reading = self._horizon = None
            self._started.clear()

    async def _until_notified(self) -> None:
        with contextlib.suppress(TimeoutError):  # no notification: it looks all the same
            async with asyncio.timeout(LOOK_SECONDS):
                await self._wake.wait()
        self._wake.clear()

    async def _look_safely(self) -> None:
        try:
            async with self._looking:
                if self._horizon is None:
                    self._horizon = await in_thread(event_log.head)()
                    self._started.set()
                else:
                    await self._look(self._horizon)
        except (DatabaseError, InterfaceError) as exc:
            log.warning("live status waits for the database: %s", type(exc).__name__)
            await asyncio.sleep(AGAIN_SECONDS)
            self._wake.set()
        except Exception:
            # Without a reader all clients would wait for ever: it goes on.
            log.exception("live status could not be read")
            await asyncio.sleep(AGAIN_SECONDS)

    async def _look(self, since: Horizon) -> Horizon:
        """Read and give out what is new. Only then it counts as seen: what failed half-way comes again."""
        news = await in_thread(event_log.news)(since)
        await self._give_out(news)
        self._horizon = news.reached
        if len(news.seen) >= event_log.BATCH:
            self._wake.set()
        return news.reached

    async def _give_out(self, news: News) -> None:
        ids = [event_id for event_id, _ in news.seen]
        where = dict(zip(ids, positions(ids, news.reached), strict=True))
        wanted = [event_id for event_id, task_id in news.seen if self._is_wanted(task_id)]
        for start in range(0, len(wanted), _CHUNK):
            for event in await in_thread(event_log.events)(wanted[start : start + _CHUNK]):
                if watching := self._subscriptions.get(event.task_id):
                    _offer(watching, update(event))
                if watching := self._subscriptions.get(ALL):
                    _offer(watching, feed_update(event, where[event.pk]))

    def _is_wanted(self, task_id: int) -> bool:
        return ALL in self._subscriptions or task_id in self._subscriptions


def reader() -> Reader:
    """The reader of the running event loop; a web process has one loop."""
    return _readers.setdefault(asyncio.get_running_loop(), Reader())


def _offer(subscriptions: Iterable[Subscription], to_all: Update) -> None:
    # One text, however many wait for it.
    for subscription in tuple(subscriptions):
        subscription.offer(to_all)


_readers: WeakKeyDictionary[asyncio.AbstractEventLoop, Reader] = WeakKeyDictionary()
