"""The fields of one task in a definition: what can be read is read, and what is wrong is said by its name."""

from __future__ import annotations

from typing import Any

import pytest

from scheduling.durations import WHAT_TO_WRITE
from scheduling.workflows.task_fields import read_task_fields

WRONG: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"name": 5}, {"name": "Write a text."}),
    ({"queue": "x" * 65}, {"queue": "Write a text of at most 64 characters."}),
    ({"priority": "5", "parameters": 1}, {"parameters": "Write a JSON object.", "priority": "Write a whole number."}),
]


@pytest.mark.parametrize(("given", "faults"), WRONG)
def test_beside_what_is_wrong_the_other_fields_are_read(given: dict[str, Any], faults: dict[str, str]) -> None:
    asked = {"job": "a.job", "timeout": "PT1M", "host": None, **given}
    assert read_task_fields(asked) == ({"job": "a.job", "timeout": 60}, faults)


def test_a_wrong_duration_is_told_in_the_words_of_durations() -> None:
    assert read_task_fields({"job": "a.job", "timeout": "PT0.5S"}) == ({"job": "a.job"}, {"timeout": WHAT_TO_WRITE})


def test_without_a_job_nothing_is_read() -> None:
    assert read_task_fields({"name": "a"}) == ({}, {"job": "Field required"})
