"""The two streams that clients follow, whatever carries them: of one task, and of all tasks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

from api.feed.messages import Update, feed_update, present, update
from api.feed.subscriptions import Subscription
from api.feed.threads import in_thread
from scheduling.errors import NotFound
from scheduling.events import log as event_log
from scheduling.models import TaskEvent

# What is read at once for a client that resumes.
PAGE: Final = 100


async def task_updates(subscription: Subscription, task_id: int, *, after: int | None) -> AsyncGenerator[Update, None]:
    """Where the task stands, then each event, numbers without gaps. With `after` the events above that number instead.

    The subscription is to that task: what happens between it and the look at the log is in both, and told by its
    number. A number that the task has not reached is that of some other log: then it begins with where the task
    stands. Never ends; raises NotFound, and SlowClient as Subscription does.
    """
    last = await in_thread(event_log.last_of)(task_id)
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
    """Each event of every task since the subscription (to ALL), or since a `position` that an update had.

    In one stream each event comes once, those of a task in order and without gaps. After resuming some come again:
    those that came while the transaction of an earlier one was still open. Never ends; raises SlowClient.
    """
    since = subscription.since
    page: list[TaskEvent] | None = None
    while after is not None and page != []:
        page = await in_thread(event_log.between)(after, since, limit=PAGE)
        for event in page:
            after = event.pk
            yield feed_update(event, min(event.pk, since.position))
    while True:
        yield await subscription.next()
