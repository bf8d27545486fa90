"""How far a reader of the event log has come. No event is lost, in whatever order events appear."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.events.horizon import Horizon, positions


def test_ids_that_are_jumped_over_are_gaps_until_they_are_seen() -> None:
    reached = Horizon(5).after([6, 9, 11], next_transaction=70)
    assert reached == Horizon(11, {7: 70, 8: 70, 10: 70})
    assert reached.after([7, 8], next_transaction=0) == Horizon(11, {10: 70})
    assert [event_id for event_id in range(5, 13) if reached.holds(event_id)] == [5, 6, 9, 11]


def test_a_gap_is_closed_when_all_that_could_fill_it_have_ended() -> None:
    reached = Horizon(5, {3: 70, 4: 80})
    assert reached.without_ended(69) == reached
    assert reached.without_ended(70) == Horizon(5, {4: 80})
    assert reached.without_ended(80) == Horizon(5)


def test_the_position_stays_before_the_first_gap() -> None:
    assert Horizon(9).position == 9
    assert Horizon(9, {8: 1, 4: 1}).position == 3
    assert positions([5, 6, 8], Horizon(8, {7: 1})) == [5, 6, 6]
    assert positions([7], Horizon(8)) == [8]
    assert positions([], Horizon(8)) == []


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_who_resumes_at_any_position_sees_every_event_that_is_ever_committed(data: st.DataObject) -> None:
    """Transactions take ids in turn and end in any order, some of them without a trace; a reader looks in between."""
    owners = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=20), label="who takes each id")
    ends = data.draw(st.permutations(sorted(set(owners))), label="in which order they end")
    kept = data.draw(st.sets(st.sampled_from(sorted(set(owners)))), label="which are committed")
    committed: set[int] = set()
    horizon, handled, resumed = Horizon(0), [], []
    for ended in ends:
        if ended in kept:
            committed |= {number for number, owner in enumerate(owners, 1) if owner == ended}
        seen = sorted(number for number in committed if number > horizon.high or number in horizon.gaps)
        horizon = horizon.after(seen, next_transaction=100)
        for event_id, position in zip(seen, positions(seen, horizon), strict=True):
            handled.append(event_id)
            resumed.append((position, tuple(handled)))
    everything = {number for number, owner in enumerate(owners, 1) if owner in kept}
    assert sorted(handled) == sorted(everything)
    for position, before in resumed:
        assert everything - set(before) <= {event_id for event_id in everything if event_id > position}
