"""`?fields=`: a list with only the members that are named, read from only the columns that they need."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from api.rows import members_asked, narrowed
from api.schedules.serializers import ScheduleOutput
from api.tasks.serializers import TaskOutput
from api.workflows.serializers import WorkflowOutput
from scheduling import clock, ledger, queries
from scheduling.models import Schedule
from scheduling.workflows import service as workflows
from tests.api.asking import pointers
from tests.api.conformance import CheckedClient
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule

LISTS: dict[str, Any] = {
    "/api/schedules/": ScheduleOutput,
    "/api/tasks/": TaskOutput,
    "/api/workflows/": WorkflowOutput,
}


@pytest.fixture
def _rows(db: None, crontab: Path) -> None:
    """Two schedules, one of them in a crontab; two tasks, one of which runs; two workflows."""
    schedules = [a_schedule(tags=["a", "b"]), a_schedule(backend="crontab", name="other", description="of another")]
    for schedule in schedules:
        task = a_task(schedule, send_at=clock.now())
        workflows.create(name="w", workflow={"job": "demo.process_data"}, now=timezone.now())
    assert ledger.claim(task.pk, 1, worker="w1", now=timezone.now())


@pytest.mark.usefixtures("_rows")
@pytest.mark.parametrize("address", LISTS)
def test_each_member_alone_is_what_it_is_among_all(operator: CheckedClient, address: str) -> None:
    """And takes no statement more: a column that `reads` forgets would be read for each row."""
    with CaptureQueriesContext(connection) as asked:
        whole = operator.get(address).json()["results"]
    for name in whole[0]:
        with CaptureQueriesContext(connection) as few:
            found = operator.get(address, {"fields": name}).json()["results"]
        assert found == [{name: row[name]} for row in whole], name
        assert len(few) <= len(asked), name


@pytest.mark.usefixtures("_rows")
@pytest.mark.parametrize("address", LISTS)
def test_several_members_are_in_the_order_of_the_whole_answer(viewer: CheckedClient, address: str) -> None:
    for row in viewer.get(address, {"fields": "created_at,name,id,name"}).json()["results"]:
        assert list(row) == ["id", "name", "created_at"]


@pytest.mark.usefixtures("_rows")
def test_the_tasks_of_a_schedule_can_be_short_too(viewer: CheckedClient) -> None:
    schedule = Schedule.objects.order_by("pk").first()
    assert schedule is not None
    found = viewer.get(f"/api/schedules/{schedule.pk}/tasks/", {"fields": "status", "ordering": "created_at"}).json()
    assert found["results"] == [{"status": "QUEUED"}]


@pytest.mark.parametrize(
    ("rows", "shown", "members", "columns"),
    [
        (queries.tasks, TaskOutput, "id", ["id"]),
        (queries.tasks, TaskOutput, "id,name,status", ["id", "name", "status"]),
        (queries.tasks, TaskOutput, "schedule,scheduled_time", ["id", "due_at", "schedule_id"]),
        (
            queries.schedules,
            ScheduleOutput,
            "name,sync",
            ["id", "name", "host", "sync_state", "sync_error", "next_due_at"],
        ),
        (queries.workflows, WorkflowOutput, "name", ["id", "name"]),
    ],
)
def test_only_the_columns_that_are_shown_are_read(rows: Any, shown: Any, members: str, columns: list[str]) -> None:
    request = Request(APIRequestFactory().get("/", {"fields": members}))
    found = narrowed(rows(), rows().model.objects.all(), shown, members_asked(request, shown) or (), ())
    statement = str(found.query)
    read = {part.strip(' "') for part in statement.partition(" FROM ")[0].replace("SELECT ", "").split(",")}
    table = rows().model._meta.db_table
    assert read == {f'{table}"."{column}' for column in columns}
    assert " JOIN " not in statement


@pytest.mark.parametrize("address", LISTS)
@pytest.mark.parametrize("named", ["", "workflow", "name,", "name,nme", "*"])
def test_an_unknown_member_is_refused_with_those_that_there_are(
    viewer: CheckedClient, address: str, named: str
) -> None:
    answer = viewer.get(address, {"fields": named})
    assert (answer.status_code, pointers(answer)) == (400, ["/fields"])
    assert "choose from id, " in answer.json()["errors"][0]["detail"]


def test_other_answers_know_no_members(operator: CheckedClient) -> None:
    for address in ("/api/drift/", "/api/hosts/"):
        assert pointers(operator.get(address, {"fields": "id"})) == ["/fields"]
    answer = operator.post("/api/schedules/bulk/pause/?fields=id", {}, format="json")
    assert (answer.status_code, pointers(answer)) == (400, ["/fields"])
