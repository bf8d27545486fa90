"""How values become the text of a field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.timing.field_texts import compact, compact_with_steps, fewest_starred
from scheduling.timing.fields import parse_field
from scheduling.timing.grammar import HOUR, MINUTE, MONTH, WEEKDAY


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((0, 15, 30, 45), "*/15"),
        ((0, 30), "0,30"),
        ((5, 20, 35, 50), "5-50/15"),
        ((1, 2, 3), "1-3"),
        ((0, 1, 3), "0,1,3"),
        (tuple(range(60)), "*"),
        ((7,), "7"),
    ],
)
def test_minutes_as_short_text(values: tuple[int, ...], text: str) -> None:
    assert compact_with_steps(MINUTE, values) == text


def test_all_values_of_a_field_are_a_star() -> None:
    assert compact(WEEKDAY, range(7)) == compact(MONTH, range(1, 13)) == "*"
    assert compact(MONTH, [1, 2, 3, 5]) == "1-3,5"


@given(st.sets(st.integers(0, 59), min_size=1))
def test_the_text_has_the_values_and_the_starred_one_has_no_fewer(found: set[int]) -> None:
    values = tuple(sorted(found))
    assert parse_field(MINUTE, compact_with_steps(MINUTE, values)).values == values
    text, count = fewest_starred(MINUTE, values)
    starred = parse_field(MINUTE, text)
    assert starred.starred
    assert set(values) <= set(starred.values)
    assert len(starred.values) == count


def test_zero_alone_takes_the_largest_useful_step() -> None:
    assert fewest_starred(MINUTE, (0,)) == ("*/30", 2)
    assert fewest_starred(HOUR, (0,)) == ("*/12", 2)
