"""The choices of the builder write expressions, and are found again in them."""

from __future__ import annotations

import pytest

from dashboard.schedules.edit.builder import PHRASES, STEPS, Choices, choices, expression
from scheduling.timing import Cron


@pytest.mark.parametrize(
    ("chosen", "cron"),
    [
        (Choices("minutes", step="1"), "* * * * *"),
        (Choices("minutes", step="15"), "*/15 * * * *"),
        (Choices("hourly", minute="07"), "7 * * * *"),
        (Choices("daily", time="06:05"), "5 6 * * *"),
        (Choices("weekly", time="09:00"), "0 9 * * 1-5"),
        (Choices("weekly", time="09:00", weekdays=("0", "1", "3", "4", "5")), "0 9 * * 0,1,3-5"),
        (Choices("weekly", time="09:00", weekdays=()), "0 9 * * *"),
        (Choices("monthly", time="23:59", day="31"), "59 23 31 * *"),
        (Choices("no such thing", time="01:00"), "0 1 * * *"),
    ],
)
def test_choices_write_an_expression(chosen: Choices, cron: str) -> None:
    assert expression(chosen) == cron
    Cron.parse(cron)


@pytest.mark.parametrize("cron", [*PHRASES, *(f"*/{step} * * * *" for step in STEPS if step > 1), "5 4 * * 0,6"])
def test_an_expression_of_the_builder_is_found_again(cron: str) -> None:
    found = choices(cron)
    assert found is not None
    assert expression(found) == cron


@pytest.mark.parametrize("cron", ["*/7 * * * *", "0 9-17 * * *", "0 0 1 1 *", "", "0 9 * * MON"])
def test_other_expressions_are_not_the_builders(cron: str) -> None:
    assert choices(cron) is None


def test_what_is_no_number_is_left_to_the_grammar_of_cron() -> None:
    assert expression(Choices("hourly", minute="half past")) == "half past * * * *"
