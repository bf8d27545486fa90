from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.summary.figures import MOST_FAILURES, MOST_GROUPS, Row, Summary, first_line, percentile, summary

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def row(number: int = 1, *, job: str = "a.b", status: str = "COMPLETED", seconds: float = 1, **more: object) -> Row:
    started = NOW - timedelta(seconds=seconds)
    known: dict[str, object] = {"schedule": "", "due_at": None, "started_at": started, "error": ""}
    return Row(task_id=number, name="n", job=job, status=status, finished_at=NOW, **(known | more))  # type: ignore[arg-type]  # made of columns


def of(rows: list[Row], *, most: int = 1000) -> Summary:
    return summary(iter(rows), since=NOW - timedelta(days=1), until=NOW, late_after=MINUTE, most=most)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50), st.floats(0.1, 100))
@settings(max_examples=50)
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100 - 1e-9
    assert sum(value < found for value in values) <= len(values) * percent / 100


def test_the_percentile_of_nothing_is_none() -> None:
    assert percentile([], 50) is None


def test_counts_are_by_job_schedule_and_status() -> None:
    found = of(
        [row(schedule="s"), row(status="FAILED"), row(job="c.d", schedule="s"), row(started_at=None, status="MISSED")]
    )
    assert found.everything.statuses == {"COMPLETED": 2, "FAILED": 1, "MISSED": 1}
    assert [(group.name, group.total) for group in found.jobs] == [("a.b", 3), ("c.d", 1)]
    assert [(group.name, group.total) for group in found.schedules] == [("s", 2)]
    assert found.everything.durations == [1, 1, 1]
    assert found.complete


@pytest.mark.parametrize(("after", "late"), [(60, 0), (60.001, 1), (-5, 0)])
def test_late_is_more_than_the_limit_after_it_was_due(after: float, late: int) -> None:
    due = NOW - timedelta(seconds=1 + after)
    assert of([row(due_at=due), row(due_at=due, started_at=None)]).everything.late == late


def test_everything_is_bounded() -> None:
    rows = [row(number, job=f"j.{number}", status="FAILED") for number in range(MOST_GROUPS + 50)]
    found = of(rows)
    assert (len(found.jobs), len(found.failures)) == (MOST_GROUPS, MOST_FAILURES)
    assert found.complete
    cut = of(rows, most=10)
    assert (cut.everything.total, cut.complete) == (10, False)
    assert of(rows[:10], most=10).complete


def test_the_first_line_that_says_something_is_shown() -> None:
    assert first_line("\n  \n  KeyError: 'x'  \nmore") == "KeyError: 'x'"
    assert first_line("") == ""
    assert len(first_line("x" * 1000)) == 300
