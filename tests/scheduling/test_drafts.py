"""What a schedule would be, with every problem beside it."""

from __future__ import annotations

import pytest

from scheduling import drafts
from scheduling.models import Schedule
from tests.conftest import a_schedule, at

NOW = at("2026-11-20 10:00")

pytestmark = pytest.mark.django_db


def test_an_attempt_without_a_problem_is_the_draft() -> None:
    made, problems = drafts.attempt(None, now=NOW, name="a", job="demo.process_data", cron="0 9 * * *")
    assert (problems, made.next_due_at, made.routed_to) == ((), at("2026-11-21 09:00"), "beat")
    assert not Schedule.objects.exists()


def test_a_problem_elsewhere_leaves_the_route() -> None:
    made, problems = drafts.attempt(
        None, now=NOW, name="a", job="http.fetch", cron="0 9 * * *", executor="inline", priority=77
    )
    assert {problem.field for problem in problems} == {"parameters.url", "priority"}
    assert (made.routed_to, made.next_due_at) == ("crontab", None)


def test_a_problem_with_the_time_leaves_no_route() -> None:
    made, problems = drafts.attempt(None, now=NOW, name="a", job="demo.process_data", cron="61 * * * *")
    assert ([problem.field for problem in problems], made.routed_to) == (["cron"], "")


def test_an_attempt_at_a_change_leaves_the_schedule_as_it_is() -> None:
    schedule = a_schedule(now=NOW, cron="0 9 * * *")
    made, problems = drafts.attempt(schedule, now=NOW, every=3600)
    assert (problems, made.cron, made.every) == ((), "", 3600)
    assert (schedule.cron, schedule.every) == ("0 9 * * *", None)
