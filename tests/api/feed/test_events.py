"""The events of a task as a list; as a stream they need a real server (tests/live/test_feed.py)."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from api.feed.messages import feed_update, present, update
from scheduling.events import log as event_log
from scheduling.models import TaskEvent
from tests.api.asking import pointers
from tests.api.conformance import CheckedClient
from tests.api.tasks.test_reads import a_task, run


def test_the_list_goes_on_after_a_number(viewer: CheckedClient) -> None:
    task = run(a_task())
    events = viewer.get(f"/api/tasks/{task.pk}/events/", {"after": "2"}).json()
    assert [event["event"] for event in events] == [3, 4]


@pytest.mark.parametrize("after", ["x", "-1", "", "9" * 19, "1.0"])
def test_text_that_is_not_a_number_is_refused(viewer: CheckedClient, after: str) -> None:
    response = viewer.get(f"/api/tasks/{a_task().pk}/events/", {"after": after})
    assert response.status_code == 400
    assert pointers(response) == ["/after"]


def test_a_stream_is_refused_by_a_server_that_cannot_stream(viewer: CheckedClient) -> None:
    response = viewer.get(f"/api/tasks/{a_task().pk}/events/", HTTP_ACCEPT="text/event-stream")
    assert response.status_code == 406
    assert response.json()["code"] == "not_acceptable"


def test_a_stream_of_a_task_that_is_not_there_is_not_found(viewer: CheckedClient) -> None:
    assert viewer.get("/api/tasks/999999/events/", HTTP_ACCEPT="text/event-stream").status_code == 404


def test_a_message_is_the_event_with_what_came_of_it_in_its_own_members(db: None) -> None:
    task = run(a_task())
    running, ended = [event_log.of_task(task.pk, after=number, limit=1)[0] for number in (1, 3)]
    assert update(running).text == (
        f'{{"event":2,"task":{task.pk},"status":"RUNNING","at":"2026-01-01T12:00:01Z",'
        '"actor":{"kind":"worker","user":"","token":""},"result":null,"progress":null,'
        '"error":"","detail":{"worker":"w1","attempt":1}}'
    )
    assert '"status":"COMPLETED"' in update(ended).text
    assert '"result":{"name":"a task"}' in update(ended).text
    assert feed_update(ended, 17).text == update(ended).text.removesuffix("}") + ',"position":17}'


def test_a_message_names_who_did_it_in_as_many_statements_for_many(operator: CheckedClient) -> None:
    asked = [operator.post("/api/tasks/", {"name": "t"}, format="json").json() for _ in range(3)]
    started = event_log.head()
    operator.post(f"/api/tasks/{asked[0]['id']}/cancel/")
    fired = run(a_task())
    ids = list(
        TaskEvent.objects.filter(task__in=[fired.pk, *(one["id"] for one in asked)]).values_list("pk", flat=True)
    )
    with CaptureQueriesContext(connection) as captured:
        actors = [json.loads(update(event).text)["actor"] for event in event_log.events(ids)]
        page, _ = event_log.between(0, started, limit=99)
        actors += [json.loads(feed_update(event, 1).text)["actor"] for event in page]
    assert len(captured) == 2
    who = asked[0]["created_by"]
    assert who["kind"] == "token"
    by_tandem = [{"kind": kind, "user": "", "token": ""} for kind in ("beat", "worker", "worker", "worker")]
    assert [one for one in actors if one["kind"] == "token"] == [who] * 7
    assert [one for one in actors if one["kind"] != "token"] == by_tandem
    last = event_log.last_of(asked[0]["id"])
    assert last is not None
    assert json.loads(present(last).text)["actor"] == who


def test_where_a_task_stands_has_the_progress_that_its_last_event_does_not_mention(db: None) -> None:
    last = event_log.last_of(run(a_task(), error="no luck").pk)
    assert last is not None
    assert '"progress":{"done":1,"total":2,"message":"half"},"error":"no luck"' in present(last).text
