"""`{name}` in a text stands for a value."""

from __future__ import annotations

import pytest

from scheduling.text_template import filled, names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a {b} --c={d}", {"b", "d"}),
        ("{b}{b}", {"b"}),
        ("{_b}", {"_b"}),
        ("{B} {1} {} { b } {b", set()),
    ],
)
def test_names_are_small_letters_digits_and_underscores(text: str, expected: set[str]) -> None:
    assert names(text) == expected


def test_what_is_no_name_of_the_values_stays() -> None:
    assert filled("{a}-{_b}-{c}", {"a": "1", "_b": "2"}) == "1-2-{c}"


def test_a_value_is_not_filled_again() -> None:
    assert filled("{a}{b}", {"a": "{b}", "b": "{a}"}) == "{b}{a}"
