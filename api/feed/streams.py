"""Which updates does a client get, in which order? Two streams: of one task, and of all tasks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

from api.feed.messages import Update, feed_update, present, update
from api.feed.subscriptions import Subscription
from api.feed.threads import in_thread
from scheduling.errors import NotFound
from scheduling.events import log as event_log

# How many events are read at once for a client that resumes.
PAGE: Final = 100


async def task_updates(subscription: Subscription, task_id: int, *, after: int | None) -> AsyncGenerator[Update, None]:
    """The current state of the task, then each later event. With `after`, the events above that number instead.

    Event numbers have no gaps. The subscription must be to this task and begin before this call. An event that is both
    in the log and in the subscription is sent once: its number shows that it was sent. If the task has not reached the
    number `after`, that number belongs to another log, and the stream begins with the current state. Never ends.
    Raises NotFound, and SlowClient as Subscription does.
    """
    last = await in_thread(event_log.last_of)(task_id, access=subscription.access)
    if last is None:
        raise NotFound(f"There is no task {task_id}.")
    if after is None or after > last.number:
        after = last.number
        yield present(last)
    while after < last.number:
        for event in await in_thread(event_log.of_task)(task_id, after=after, limit=PAGE):
            after = event.number
            yield update(event)
    while True:
        following = await subscription.next()
        if following.number > after:
            after = following.number
            yield following


async def feed_updates(subscription: Subscription, *, after: int | None) -> AsyncGenerator[Update, None]:
    """Each event of every task since the subscription (to ALL) began, or after the `position` of an earlier update.

    One stream sends each event once, and the events of each task in order and without gaps. A client that resumes may
    get some events again: those that were sent while the transaction of an earlier event was still open. Never ends.
    Raises SlowClient.
    """
    since = subscription.since
    while after is not None and after < since.high:
        page, after = await in_thread(event_log.between)(after, since, limit=PAGE, access=subscription.access)
        for event in page:
            yield feed_update(event, min(event.pk, since.position))
    while True:
        yield await subscription.next()
