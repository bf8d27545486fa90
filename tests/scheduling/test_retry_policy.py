"""How long to wait for another attempt, and which policies are valid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.retry_policy import LONGEST_WAIT, MOST_RETRIES, RetryPolicy, policy, problems_with

EXACT = RetryPolicy(max=9, base=2.0, factor=3.0, cap=100, jitter=0)


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 2), (2, 6), (3, 18), (4, 54), (5, 100), (5000, 100)])
def test_the_wait_grows_by_the_factor_up_to_the_cap(attempt: int, seconds: int) -> None:
    assert EXACT.delay(attempt, 0.5).total_seconds() == seconds


@given(attempt=st.integers(1, 10_000), chance=st.floats(0, 1, exclude_max=True), jitter=st.floats(0, 1))
def test_jitter_stays_within_its_share(attempt: int, chance: float, jitter: float) -> None:
    exact = EXACT.delay(attempt, 0.5).total_seconds()
    wait = RetryPolicy(max=9, base=2, factor=3, cap=100, jitter=jitter).delay(attempt, chance).total_seconds()
    assert exact * (1 - jitter) - 1e-5 <= wait <= exact * (1 + jitter) + 1e-5


@pytest.mark.parametrize(("chance", "seconds"), [(0, 1.5), (0.5, 2), (0.75, 2.25)])
def test_jitter_makes_a_wait_shorter_or_longer(chance: float, seconds: float) -> None:
    assert RetryPolicy(base=2, jitter=0.25).delay(1, chance).total_seconds() == seconds


def test_retries_are_counted() -> None:
    assert [RetryPolicy(max=2).allows(attempt) for attempt in (1, 2, 3)] == [True, True, False]


def test_a_task_says_part_and_its_job_the_rest() -> None:
    assert policy({"max": 1}, EXACT) == RetryPolicy(max=1, base=2, factor=3, cap=100, jitter=0)
    assert policy({}, EXACT) == EXACT


@pytest.mark.parametrize(
    ("given_policy", "field"),
    [
        ("3", "retries"),
        ({"max": -1}, "retries.max"),
        ({"max": 1.5}, "retries.max"),
        ({"max": True}, "retries.max"),
        ({"max": 101}, "retries.max"),
        ({"factor": 0.5}, "retries.factor"),
        ({"base": "1"}, "retries.base"),
        ({"jitter": 2}, "retries.jitter"),
        ({"base": float("nan")}, "retries.base"),
        ({"maximum": 3}, "retries.maximum"),
    ],
)
def test_what_is_wrong_with_a_policy_is_named(given_policy: object, field: str) -> None:
    assert [problem.field for problem in problems_with(given_policy)] == [field]


def test_a_whole_policy_is_accepted_as_it_is_stored() -> None:
    assert problems_with(EXACT.as_json()) == []


@pytest.mark.parametrize(
    "bounds",
    [
        {"max": 0, "base": 0, "factor": 1, "cap": 0, "jitter": 0},
        {"max": MOST_RETRIES, "base": LONGEST_WAIT, "factor": 100, "cap": LONGEST_WAIT, "jitter": 1},
    ],
)
def test_the_least_and_the_most_are_accepted(bounds: dict[str, float]) -> None:
    assert problems_with(bounds) == []


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert [one.field for one in problems_with({"maximum": 3, "max": -1})] == ["retries.maximum", "retries.max"]
