"""Many tasks in one request: all or none, or with `partial` those that can be."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scheduling import ledger
from scheduling.models import Task, TaskEvent
from tests.api.asking import pointers
from tests.api.conformance import CheckedClient
from tests.api.schedules.test_bulk import without_chunks
from tests.recording import RecordingExecutor

pytestmark = pytest.mark.django_db

BULK = "/api/tasks/bulk/"
LATER = "2199-01-01T00:00:00Z"


def ask(client: CheckedClient, what: str, query: str = "", /, **body: Any) -> Any:
    return client.post(f"{BULK}{what}/{query}", body, format="json")


def ids(client: CheckedClient, count: int, **members: Any) -> list[int]:
    answer = ask(client, "create", tasks=[{"name": f"t{number}", **members} for number in range(count)])
    assert answer.status_code == 200, answer.json()
    return [one["id"] for one in answer.json()["tasks"]]


def events(pk: int) -> list[tuple[int, str]]:
    return list(TaskEvent.objects.filter(task=pk).order_by("number").values_list("number", "status"))


def claim(pk: int) -> Task:
    claimed = ledger.claim(pk, 1, worker="w", now=timezone.now())
    assert claimed is not None
    return claimed


def test_many_are_created_and_handed_over_together(operator: CheckedClient, recorded: RecordingExecutor) -> None:
    answer = ask(operator, "create", tasks=[{"name": "now"}, {"name": "later", "scheduled_time": LATER}]).json()
    assert [(one["name"], one["status"]) for one in answer["tasks"]] == [("now", "QUEUED"), ("later", "SCHEDULED")]
    assert [pk for pk, _ in recorded.submitted] == [answer["tasks"][0]["id"]]


def test_all_faults_are_told_by_their_places(operator: CheckedClient, recorded: RecordingExecutor) -> None:
    refused = ask(operator, "create", tasks=[{"name": "fine"}, {"name": 3}, {"name": "x", "job": "nothing"}])
    assert sorted(pointers(refused)) == ["/tasks/1/name", "/tasks/2/job"]
    assert Task.objects.count() == 0
    assert recorded.submitted == []


def test_a_list_is_cancelled_or_nothing_of_it(operator: CheckedClient, recorded: RecordingExecutor) -> None:
    waiting, running, done = ids(operator, 3)
    claim(running)
    ledger.complete(claim(done), result=None, now=timezone.now())
    refused = ask(operator, "cancel", ids=[waiting, running, done, 999_999])
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        ("/ids/2", "already_finished"),
        ("/ids/3", "not_found"),
    ]
    assert Task.objects.get(pk=waiting).status == "QUEUED"
    answer = ask(operator, "cancel", ids=[waiting, running, done], partial=True).json()["tasks"]
    assert [one["outcome"] for one in answer] == ["cancelled", "asked_to_stop", "refused"]
    assert events(waiting) == [(1, "QUEUED"), (2, "CANCELLED")]
    assert events(running) == [(1, "QUEUED"), (2, "RUNNING"), (3, "RUNNING")]
    assert Task.objects.get(pk=running).cancel_asked_at is not None
    # One that was asked before is not asked again.
    ask(operator, "cancel", ids=[running])
    assert len(events(running)) == 3


def test_filters_choose(operator: CheckedClient, recorded: RecordingExecutor) -> None:
    ids(operator, 2, scheduled_time=LATER)
    [other] = ids(operator, 1)
    assert len(ask(operator, "cancel", "?status=SCHEDULED").json()["tasks"]) == 2
    assert list(Task.objects.exclude(status="CANCELLED").values_list("pk", flat=True)) == [other]
    assert pointers(ask(operator, "cancel")) == ["/ids"]


def test_a_retry_in_bulk_is_one_by_one_s(operator: CheckedClient, recorded: RecordingExecutor) -> None:
    tried, untried, alone, open_ = ids(operator, 4)
    for pk in (tried, alone):
        ledger.fail(claim(pk), error="x", now=timezone.now())
    ask(operator, "cancel", ids=[untried])
    assert pointers(ask(operator, "retry", ids=[tried, open_])) == ["/ids/1"]
    recorded.submitted.clear()
    answer = ask(operator, "retry", ids=[tried, untried])
    assert [one["outcome"] for one in answer.json()["tasks"]] == ["queued", "queued"]
    assert sorted(pk for pk, _ in recorded.submitted) == [tried, untried]
    assert operator.post(f"/api/tasks/{alone}/retry/").status_code == 202
    rows = {row["id"]: row for row in Task.objects.values()}
    differ = {"id", "name", "created_at", "send_at"}
    assert {name: value for name, value in rows[tried].items() if name not in differ} == {
        name: value for name, value in rows[alone].items() if name not in differ
    }
    assert (rows[tried]["attempt"], rows[untried]["attempt"]) == (2, 1)
    assert (
        list(TaskEvent.objects.filter(task__in=[tried, alone], number=4).values_list("detail"))
        == [({"attempt": 2, "retry": True},)] * 2
    )


def test_a_dry_run_and_a_key(operator: CheckedClient, recorded: RecordingExecutor) -> None:
    assert [one["id"] for one in ask(operator, "create", "?dry_run=true", tasks=[{"name": "x"}]).json()["tasks"]] == [0]
    assert Task.objects.count() == 0
    first, again = (
        operator.post(f"{BULK}create/", {"tasks": [{"name": "x"}]}, format="json", HTTP_IDEMPOTENCY_KEY="k")
        for _ in range(2)
    )
    assert again.content == first.content
    assert Task.objects.count() == 1


@pytest.mark.parametrize("executor", ["worker", "inline"])
def test_statements_do_not_grow_with_the_number_of_tasks(
    operator: CheckedClient, recorded: RecordingExecutor, executor: str
) -> None:
    counts = []
    for count in (2, 2, 40):
        taken: dict[str, int] = {}
        there: list[int] = []
        for what in ("create", "cancel", "retry"):
            body: dict[str, Any] = {"ids": there}
            if what == "create":
                body = {"tasks": [{"name": "t", "executor": executor, "scheduled_time": LATER}] * count}
            with CaptureQueriesContext(connection) as queries:
                answer = ask(operator, what, **body)
            assert answer.status_code == 200, answer.json()
            taken[what] = without_chunks(queries)
            if what == "create":
                there = [one["id"] for one in answer.json()["tasks"]]
        counts.append(taken)
    assert counts[1] == counts[2]
