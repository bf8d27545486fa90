"""The order of the tests where several processes share them."""

from __future__ import annotations

import pytest

from tests.slow_first import dealt, grouped

# Each file as its tests; those in capitals are slow.
FILES = ["aaaa", "bB", "CC", "dddd", "E", "fffff"]


@pytest.mark.parametrize(
    ("processes", "expected"),
    [(1, "bBCCE aaaaddddfffff"), (2, "bBE aaaadd CC ddfffff"), (3, "bB aaaa CC dddd E fffff")],
)
def test_each_process_begins_with_its_share_of_slow_files(processes: int, expected: str) -> None:
    assert "".join(dealt(FILES, processes, str.isupper)) == expected.replace(" ", "")


def test_no_test_is_left_out_where_one_process_has_more_slow_ones_than_its_part() -> None:
    assert "".join(dealt(["AAAAAAA", "b", "c"], 2, str.isupper)) == "AAAAAAAbc"


def test_what_shares_something_is_as_one_file_and_first() -> None:
    shared = {"A": "capital", "B": "capital", "1": "number", "2": "number"}
    assert grouped("a1bABca2A", str.lower, shared.get) == [["1", "2"], list("ABA"), ["a"], ["b"], ["c"], ["a"]]
    assert grouped("aab", str.lower, shared.get) == [["a", "a"], ["b"]]
