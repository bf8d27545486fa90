"""Which updates wait for one client? A limited number, so that a client that does not read costs little memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from api.feed.messages import Update
from scheduling import owners
from scheduling.caller import Access
from scheduling.events.horizon import Horizon

# What waits for a client that does not read: beyond it the socket is closed, and it resumes by number.
MOST_UPDATES: Final = 512
# As above, by size, for results may be large.
MOST_CHARACTERS: Final = 4_000_000


class SlowClient(Exception):
    """The client has read so slowly that its updates were dropped. It must reconnect and resume."""


class Subscription:
    """The updates of one client, in order, since it subscribed.

    `since` is how far the reader had come when the client subscribed, and `access` what the client may see. If an
    update finds no room, the queue is emptied, `overflowed` is called, and `next` raises SlowClient. An empty queue has
    room for an update of any size.
    """

    def __init__(self, since: Horizon, overflowed: Callable[[], None], access: Access = None) -> None:
        self.since = since
        self.access = access
        self._overflowed = overflowed
        self._waiting: deque[Update] = deque()
        self._characters = 0
        self._slow = False
        self._more = asyncio.Event()

    def offer(self, update: Update) -> None:
        """Add an update at the end of the queue, if the client may see it and there is room."""
        if self._slow or not owners.sees(self.access, update.owner):
            return
        characters = self._characters + len(update.text)
        if self._waiting and (len(self._waiting) >= MOST_UPDATES or characters > MOST_CHARACTERS):
            self._slow = True
            self._waiting.clear()
            self._overflowed()
        else:
            self._characters = characters
            self._waiting.append(update)
        self._more.set()

    async def next(self) -> Update:
        """Wait for the next update and return it. Raises SlowClient."""
        while not self._waiting:
            if self._slow:
                raise SlowClient
            self._more.clear()
            await self._more.wait()
        update = self._waiting.popleft()
        self._characters -= len(update.text)
        return update
