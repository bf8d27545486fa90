"""Times of being late in buckets, and the bounds that so many of them keep to."""

from __future__ import annotations

import pytest

from scheduling.lateness import BOUNDS, Histogram, bucket_of


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [
        (-1.0, 0),
        (0.0, 0),
        (0.01, 0),
        (0.011, 1),
        (1.0, BOUNDS.index(1.0)),
        (3600.0, len(BOUNDS) - 1),
        (3601.0, len(BOUNDS)),
    ],
)
def test_a_bucket_counts_up_to_its_bound(seconds: float, bucket: int) -> None:
    assert bucket_of(seconds) == bucket


@pytest.mark.parametrize(
    ("counts", "share", "bound"),
    [
        ({}, 0.5, None),
        ({0: 1}, 0.99, 0.01),
        ({0: 50, 3: 50}, 0.5, 0.01),
        ({0: 49, 3: 51}, 0.5, 0.1),
        ({0: 98, 6: 2}, 0.95, 0.01),
        ({0: 98, 6: 2}, 0.99, 1.0),
        ({len(BOUNDS): 1}, 0.5, None),
    ],
)
def test_the_bound_is_that_of_the_bucket_in_which_the_share_is_reached(
    counts: dict[int, int], share: float, bound: float | None
) -> None:
    found = Histogram.of(counts)
    assert found.total == sum(counts.values())
    assert found.at_most(share) == bound
