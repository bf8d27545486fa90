"""The bounded queue of one client."""

from __future__ import annotations

import asyncio

import pytest

from api.feed.messages import Update
from api.feed.subscriptions import MOST_CHARACTERS, MOST_UPDATES, SlowClient, Subscription
from scheduling.events.horizon import Horizon


def an_update(number: int, characters: int = 1) -> Update:
    return Update(task_id=1, number=number, text="x" * characters)


def a_subscription() -> tuple[Subscription, list[str]]:
    """A subscription, and the list of its overflow reports."""
    said: list[str] = []
    return Subscription(Horizon(0), lambda: said.append("overflow")), said


def test_updates_come_out_in_the_order_they_went_in() -> None:
    async def follow() -> list[int]:
        subscription, _ = a_subscription()
        coming = asyncio.create_task(subscription.next())
        await asyncio.sleep(0)
        for number in range(3):
            subscription.offer(an_update(number))
        return [(await coming).number, (await subscription.next()).number, (await subscription.next()).number]

    assert asyncio.run(follow()) == [0, 1, 2]


@pytest.mark.parametrize(("count", "characters"), [(MOST_UPDATES + 1, 1), (3, MOST_CHARACTERS // 2)])
def test_a_client_that_does_not_read_costs_a_bounded_amount(count: int, characters: int) -> None:
    async def overflow() -> tuple[list[str], int]:
        subscription, said = a_subscription()
        for number in range(count):
            assert said == []
            subscription.offer(an_update(number, characters))
        subscription.offer(an_update(count))
        with pytest.raises(SlowClient):
            await subscription.next()
        return said, len(subscription._waiting)

    assert asyncio.run(overflow()) == (["overflow"], 0)


def test_what_was_read_makes_room() -> None:
    async def read() -> list[str]:
        subscription, said = a_subscription()
        for number in range(10):
            subscription.offer(an_update(number, MOST_CHARACTERS))
            assert (await subscription.next()).number == number
        return said

    assert asyncio.run(read()) == []
