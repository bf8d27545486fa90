"""A result as a tree that folds."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.json_tree import LONGEST, MOST, json_tree


@pytest.mark.parametrize(
    ("value", "html"),
    [
        (None, '<span class="value">null</span>'), (True, '<span class="value">true</span>'),
        (1.5, '<span class="value">1.5</span>'), ([], '<span class="value">[]</span>'),
        ({}, '<span class="value">{}</span>'), ("<b>", '<span class="text">&lt;b&gt;</span>'),
        (
            {"<a>": [1]},
            (
                '<details open><summary class="soft">{1}</summary><ul><li><span class="member">&lt;a&gt;</span> '
                '<details open><summary class="soft">[1]</summary><ul><li><span class="member">0</span> '
                '<span class="value">1</span></li></ul></details></li></ul></details>'
            ),
        ),
    ],
)  # fmt: skip
def test_values_are_shown_as_they_are(value: Any, html: str) -> None:
    assert json_tree(value) == html


def test_only_the_upper_levels_are_unfolded() -> None:
    assert json_tree([[[[1]]]]).count("<details open>") == 2


def test_a_large_value_is_cut_and_says_so() -> None:
    assert f">{MOST}<" not in json_tree(list(range(3 * MOST)))
    assert f"{2 * MOST} more" in json_tree(list(range(3 * MOST)))
    assert f"({LONGEST + 1:,} characters)" in json_tree("a" * (LONGEST + 1))
    deep: Any = 1
    for _ in range(200):
        deep = [deep]
    assert "deeper than is shown" in json_tree(deep)
