"""`manage.py verify`: a line for each finding, a summary, and the exit code."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from scheduling.models import Task
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> tuple[int, str]:
    said = io.StringIO()
    try:
        call_command("verify", *arguments, stdout=said)
    except SystemExit as exc:
        return int(str(exc.code)), said.getvalue()
    return 0, said.getvalue()


def broken(count: int = 1) -> list[Task]:
    """Tasks whose number of events is wrong."""
    schedule = a_schedule(every=86_400)
    found = [a_task(schedule) for _ in range(count)]
    Task.objects.update(events=2)
    return found


def test_a_whole_ledger_is_no_finding() -> None:
    a_task(a_schedule(every=86_400))
    code, text = run()
    assert code == 0
    assert text.startswith("no findings; read in ")
    assert text.endswith(" s: 0 attempts, 1 events, 1 schedules, 1 tasks\n")


def test_a_finding_is_a_line_and_the_exit_code() -> None:
    [task] = broken()
    code, text = run()
    assert code == 1
    assert text.splitlines()[0] == f"task {task.pk}  events: count: the last event is 1; expected: event 2"
    assert "1 findings; read in " in text


def test_a_number_of_findings_is_shown_and_all_are_counted() -> None:
    broken(3)
    code, text = run("--show", "2")
    assert code == 1
    assert len(text.splitlines()) == 3
    assert "3 findings (1 are not shown); read in " in text


def test_json_says_the_same() -> None:
    [task] = broken()
    code, text = run("--json")
    said = json.loads(text)
    assert code == 1
    assert (said["ok"], said["count"], said["read"]["tasks"]) == (False, 1, 1)
    assert said["findings"] == [
        {
            "kind": "task",
            "id": task.pk,
            "check": "events: count",
            "found": "the last event is 1",
            "expected": "event 2",
        }
    ]


def test_it_looks_at_one_schedule_or_since_a_time() -> None:
    [task] = broken()
    other = a_schedule(every=86_400)
    assert run("--schedule", str(task.schedule_id))[0] == 1
    assert run("--schedule", str(other.pk))[0] == 0
    assert run("--since", timezone.now().isoformat())[0] == 0


@pytest.mark.parametrize("text", ["yesterday", "2026-11-20", "2026-11-20T10:00:00"])
def test_a_time_needs_its_offset(text: str) -> None:
    with pytest.raises(CommandError, match="write it like 2026-11-20T10:00:00Z"):
        run("--since", text)
