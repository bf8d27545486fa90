"""The rows of each id, of two readings in the same order."""

from __future__ import annotations

from scheduling.verification.rows import of_each


def test_each_id_has_its_rows_and_those_of_others_are_left_out() -> None:
    rows = [(1, "other"), (2, "a"), (2, "b"), (3, "other"), (5, "c"), (9, "other")]
    found = [[text for _, text in group] for group in of_each([2, 4, 5, 7], iter(rows))]
    assert found == [["a", "b"], [], ["c"], []]


def test_rows_that_nobody_has_read_are_passed_over() -> None:
    groups = of_each([1, 2], iter([(1, "a"), (1, "b"), (2, "c")]))
    next(groups)
    assert list(next(groups)) == [(2, "c")]


def test_no_row_at_all_is_none_for_each() -> None:
    assert [list(group) for group in of_each([1, 2], iter(()))] == [[], []]
