"""Who asks is known inside a block, and not after it."""

from __future__ import annotations

import pytest

from scheduling import caller
from scheduling.caller import NOBODY, Caller, acting


def test_without_an_edge_tandem_itself_asks_and_sees_everything() -> None:
    assert caller.current() is None
    assert caller.access() is None


def test_a_caller_is_asked_for_each_time_and_only_inside() -> None:
    asked = iter([NOBODY, Caller("user", user="ada")])
    with acting(lambda: next(asked)):
        assert caller.access() == frozenset()
        with acting(Caller("upkeep")):
            assert caller.current() == Caller("upkeep")
        assert caller.current() == Caller("user", user="ada")
    assert caller.current() is None


def test_an_error_ends_the_block_too() -> None:
    with pytest.raises(ZeroDivisionError), acting(NOBODY):
        raise ZeroDivisionError
    assert caller.current() is None
