"""Each file of tests is loaded first by one process."""

from __future__ import annotations

import pytest

from tests.compiled_together import part


@pytest.mark.parametrize("count", [2, 3, 4, 7])
@pytest.mark.parametrize("size", [0, 1, 10, 401])
def test_each_is_in_one_part_and_the_parts_are_equal(count: int, size: int) -> None:
    parts = [part(range(size), number, count) for number in range(count)]
    assert [item for each in parts for item in each] == list(range(size))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
