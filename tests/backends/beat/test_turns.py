"""Which schedules the next batch of a beat takes, and how many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from backends.beat.turns import BACKLOG, NEWEST, Turns
from scheduling import delivery

MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
ON_TIME = MIDNIGHT + timedelta(seconds=3)


def taken(turns: Turns, last: datetime = MIDNIGHT) -> int:
    """Take a full batch, in which one was due at `last`. Returns its size."""
    most = turns.most
    assert turns.note([last, *[MIDNIGHT] * (most - 1)])
    return most


def test_a_backlog_of_one_instant_is_taken_in_whole_batches() -> None:
    turns = Turns()
    assert [taken(turns) for _ in range(4)] == [delivery.BATCH, NEWEST, delivery.BATCH, NEWEST]


def test_the_oldest_and_the_newest_take_turns() -> None:
    turns, order = Turns(), []
    for _ in range(4):
        order.append(turns.newest_first)
        taken(turns)
    assert order == [False, True, False, True]


def test_a_backlog_is_taken_in_small_batches_once_something_has_become_due_beside_it() -> None:
    turns = Turns()
    assert [taken(turns), taken(turns, ON_TIME)] == [delivery.BATCH, NEWEST]
    assert [taken(turns) for _ in range(4)] == [BACKLOG, NEWEST, BACKLOG, NEWEST]


def test_the_oldest_may_be_due_at_different_times_without_anything_new() -> None:
    turns = Turns()
    assert [taken(turns, ON_TIME), taken(turns), taken(turns)] == [delivery.BATCH, NEWEST, delivery.BATCH]


def test_when_the_backlog_is_done_the_next_one_is_taken_in_whole_batches_again() -> None:
    turns = Turns()
    taken(turns)
    taken(turns, ON_TIME)
    assert not turns.note([MIDNIGHT])
    assert not turns.note([])
    assert turns.most == delivery.BATCH
