"""Durations mean the same wherever a request may hold one."""

from __future__ import annotations

import pytest

from scheduling.durations import WHAT_TO_WRITE, seconds
from scheduling.workflows.definition import read


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0, 0),
        (-5, -5),
        (300, 300),
        ("PT5M", 300),
        ("P1D", 86_400),
        ("P1DT1H1M1S", 90_061),
        ("P2W", 1_209_600),
        ("PT0S", 0),
        ("PT90M", 5_400),
    ],
)
def test_whole_seconds_and_iso_8601_are_read(given: object, expected: int) -> None:
    assert seconds(given) == expected


REFUSED = [
    "", "P", "PT", "P1DT", "5M", "P1M", "P1Y", "P1W1D", "PT1.0S", "PT1.5S", "PT1,0S", "PT1S1M", " PT1S", "PT1S\n",
    "pt1s", "P-1D", "-PT1S", "+PT1S", "PT\u0665M", "P" + "9" * 5000 + "D", 1.0, True, [], {},
]  # fmt: skip


@pytest.mark.parametrize("given", [*REFUSED, None])
def test_what_is_no_duration_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="ISO 8601") as refused:
        seconds(given)
    assert str(refused.value) == WHAT_TO_WRITE


@pytest.mark.parametrize("given", REFUSED)
def test_a_workflow_refuses_it_in_the_same_words(given: object) -> None:
    _, problems = read({"job": "a.job", "timeout": given})
    assert [(problem.field, problem.detail) for problem in problems] == [("workflow.timeout", WHAT_TO_WRITE)]
