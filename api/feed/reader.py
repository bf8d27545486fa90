"""How a web process reads the event log: one reader reads each event once and gives it to all clients."""

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
from scheduling.caller import Access
from scheduling.events import log as event_log
from scheduling.events import notifier
from scheduling.events.horizon import Horizon, positions
from scheduling.events.log import News

log = logging.getLogger(__name__)

# While there are subscriptions, the reader reads the log this often without a notification. A lost notification delays
# an update by at most this.
LOOK_SECONDS: Final = 2.0
# The pause between two reads, even if notifications come faster: one read then finds more events.
PAUSE_SECONDS: Final = 0.02
# After an error of the database the reader tries again after this.
AGAIN_SECONDS: Final = 1.0
# Events are read with their results, which may be large: this many at once.
_CHUNK: Final = 50

# The key of the subscriptions to all tasks.
ALL: Final = None


class Reader:
    """Reads new events, once for all subscriptions. Use it in one event loop.

    It reads when a notification concerns a subscription, and every LOOK_SECONDS; without subscriptions, never.
    """

    def __init__(self) -> None:
        self._subscriptions: dict[int | None, set[Subscription]] = {}
        self._subscribers = 0
        self._horizon: Horizon | None = None
        self._started = asyncio.Event()
        self._wake = asyncio.Event()
        # Held while events are read and given to the subscriptions.
        self._looking = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None
        self._listening = False

    @asynccontextmanager
    async def subscription(
        self, task_id: int | None, overflowed: Callable[[], None], access: Access = None
    ) -> AsyncIterator[Subscription]:
        """Subscribe to a task (or to ALL) inside the block. The subscription gets every event that enters the log
        after the block began and that `access` lets see.

        A subscription to ALL gets exactly the events that its `since` does not hold. A subscription to one task may
        also get some older events. If the database is away, this waits for it. See Subscription for `overflowed`.
        """
        self._subscribers += 1
        try:
            made = Subscription(await self._present(task_id), overflowed, access)
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
        # Runs in the notifier's thread, which may go on after the loop has ended.
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
            # The next subscription begins at the end of the log at that time.
            self._reading = self._horizon = None
            self._started.clear()

    async def _until_notified(self) -> None:
        with contextlib.suppress(TimeoutError):  # without a notification the reader reads after LOOK_SECONDS
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
            log.warning("live status waits, because the database is away: %s", type(exc).__name__)
            await asyncio.sleep(AGAIN_SECONDS)
            self._wake.set()
        except Exception:
            # The reader goes on after any error: without it all clients would wait without end.
            log.exception("live status could not be read")
            await asyncio.sleep(AGAIN_SECONDS)

    async def _look(self, since: Horizon) -> Horizon:
        """Read the new events and give them to the subscriptions. Returns how far the reader has come.

        Events count as read after they were given out. If that fails half-way, all of them are read again.
        """
        news = await in_thread(event_log.news)(since)
        await self._give_out(news)
        self._horizon = news.reached
        if len(news.seen) >= event_log.BATCH:
            self._wake.set()
        return news.reached

    async def _give_out(self, news: News) -> None:
        ids = [event_id for event_id, _ in news.seen]
        position_of = dict(zip(ids, positions(ids, news.reached), strict=True))
        wanted = [event_id for event_id, task_id in news.seen if self._is_wanted(task_id)]
        for start in range(0, len(wanted), _CHUNK):
            for event in await in_thread(event_log.events)(wanted[start : start + _CHUNK]):
                if watching := self._subscriptions.get(event.task_id):
                    _offer(watching, update(event))
                if watching := self._subscriptions.get(ALL):
                    _offer(watching, feed_update(event, position_of[event.pk]))

    def _is_wanted(self, task_id: int) -> bool:
        return ALL in self._subscriptions or task_id in self._subscriptions


def reader() -> Reader:
    """The reader of the running event loop; a web process has one loop."""
    return _readers.setdefault(asyncio.get_running_loop(), Reader())


def _offer(subscriptions: Iterable[Subscription], shared: Update) -> None:
    # All subscriptions share the one text.
    for subscription in tuple(subscriptions):
        subscription.offer(shared)


_readers: WeakKeyDictionary[asyncio.AbstractEventLoop, Reader] = WeakKeyDictionary()
