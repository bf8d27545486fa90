"""The rows of two tables have no number in common."""

from __future__ import annotations

from django.utils import timezone

from scheduling import tasks
from tests.conftest import a_schedule


def test_a_schedule_and_a_task_are_numbered_apart(db: None) -> None:
    """With `db` and without its mark this runs on SQLite only."""
    numbers = {a_schedule().pk, tasks.create(now=timezone.now(), name="once")[0].pk}
    assert len({number // 1_000 for number in numbers}) == 2
