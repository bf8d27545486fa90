"""Token buckets: how many requests a minute."""

from __future__ import annotations

from api.limits.buckets import MOST_KEYS, Buckets


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_requests_may_come_at_once_and_then_one_at_a_time() -> None:
    clock = Clock()
    buckets = Buckets(clock)
    assert [buckets.take("a", 60) for _ in range(61)] == [0.0] * 60 + [1.0]
    clock.now = 0.5
    assert buckets.take("a", 60) == 0.5
    clock.now = 1.0
    assert [buckets.take("a", 60), buckets.take("a", 60)] == [0.0, 1.0]


def test_a_bucket_holds_no_more_than_a_minute() -> None:
    clock = Clock()
    buckets = Buckets(clock)
    buckets.take("a", 2)
    clock.now = 3600.0
    assert [buckets.take("a", 2) for _ in range(3)] == [0.0, 0.0, 30.0]


def test_each_has_its_own() -> None:
    buckets = Buckets(Clock())
    assert [buckets.take("a", 1), buckets.take("b", 1), buckets.take("a", 1)] == [0.0, 0.0, 60.0]


def test_a_flood_of_addresses_pushes_out_who_was_silent_for_longest() -> None:
    buckets = Buckets(Clock())
    buckets.take("first", 1)
    buckets.take("second", 1)
    buckets.take("first", 1)
    for number in range(MOST_KEYS - 1):
        buckets.take(str(number), 1)
    assert (buckets.take("first", 1), buckets.take("second", 1)) == (60.0, 0.0)
