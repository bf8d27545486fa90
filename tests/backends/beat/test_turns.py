"""Which schedules the next batch of a beat takes, and how many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from backends.beat.turns import BACKLOG, NEW, Turns
from scheduling import delivery

MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def full(turns: Turns, now: datetime = MIDNIGHT) -> int:
    """Take a full batch. Returns its size."""
    most = turns.most
    assert turns.note([now] * most, now)
    return most


def with_a_backlog() -> Turns:
    turns = Turns()
    full(turns)
    return turns


def test_what_is_less_than_a_batch_is_no_backlog() -> None:
    turns = Turns()
    assert not turns.note([MIDNIGHT], MIDNIGHT)
    assert (turns.after, turns.most) == (None, delivery.BATCH)


def test_after_a_batch_of_a_backlog_comes_what_has_become_due_since_it_was_met() -> None:
    turns = with_a_backlog()
    assert (turns.after, turns.most) == (MIDNIGHT, NEW)


def test_a_backlog_beside_which_nothing_becomes_due_is_taken_in_whole_batches() -> None:
    turns = with_a_backlog()
    for second in range(1, 4):
        assert turns.note([], MIDNIGHT + second * SECOND)
        assert (turns.after, turns.most) == (None, delivery.BATCH)
        full(turns)
        assert turns.after == MIDNIGHT + second * SECOND


def test_a_backlog_is_taken_in_small_batches_once_something_has_become_due_beside_it() -> None:
    turns = with_a_backlog()
    assert turns.note([MIDNIGHT + SECOND], MIDNIGHT + SECOND)
    assert [full(turns), full(turns), full(turns)] == [BACKLOG, NEW, BACKLOG]
    # Also where nothing has become due for a moment.
    turns.note([], MIDNIGHT + 2 * SECOND)
    assert turns.most == BACKLOG


def test_the_rest_of_a_full_batch_of_new_ones_has_its_turn_before_newer_ones() -> None:
    turns = with_a_backlog()
    full(turns, MIDNIGHT + SECOND)
    full(turns, MIDNIGHT + 2 * SECOND)
    assert turns.after == MIDNIGHT
    turns.note([], MIDNIGHT + 3 * SECOND)
    full(turns, MIDNIGHT + 4 * SECOND)
    assert turns.after == MIDNIGHT + 3 * SECOND


def test_when_the_backlog_is_done_the_next_one_is_taken_in_whole_batches_again() -> None:
    turns = with_a_backlog()
    turns.note([MIDNIGHT + SECOND], MIDNIGHT + SECOND)
    assert not turns.note([MIDNIGHT], MIDNIGHT + 2 * SECOND)
    assert [full(turns), full(turns), full(turns)] == [delivery.BATCH, NEW, BACKLOG]
