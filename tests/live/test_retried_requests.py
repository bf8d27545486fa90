"""A client that sends its request again because the web process was killed before it could answer."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from scheduling.models import Schedule, Task
from tests.live.installation import Installation, sqlite_in_drills
from tests.live.watching import SECONDS, Web

pytestmark = pytest.mark.live

DYING = "tests.live.dying_settings"


def post(web: Web, path: str, body: dict[str, Any]) -> tuple[int, http.client.HTTPMessage, dict[str, Any]]:
    """Status, headers and body of the answer. Raises ConnectionError where none comes."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=SECONDS)
    headers = web.headers | {"Content-Type": "application/json", "Idempotency-Key": "once"}
    connection.request("POST", path, json.dumps(body), headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, response.headers, answer


@sqlite_in_drills
def test_what_was_committed_is_answered_after_a_kill(installation: Installation) -> None:
    """The process is killed between its commit and its answer (see DYING). The next one has the answer."""
    body = {"name": "once", "parameters": {"steps": 1}}
    dying = Web(installation, DJANGO_SETTINGS_MODULE=DYING)
    with pytest.raises(ConnectionError):
        post(dying, "/api/tasks/", body)
    assert dying.process.wait() == -9
    task = Task.objects.get()
    web = Web(installation, user=dying.user)
    first, again = post(web, "/api/tasks/", body), post(web, "/api/tasks/", body)
    for status, headers, answer in (first, again):
        assert (status, headers["Idempotency-Replayed"], headers["Location"]) == (201, "true", f"/api/tasks/{task.pk}/")
        assert (answer["id"], answer["status"], answer["delivery"]) == (task.pk, "QUEUED", "stored")
    assert Task.objects.count() == 1
    assert post(web, "/api/tasks/", body | {"name": "another"})[0] == 422


@sqlite_in_drills
def test_many_at_once_with_one_key_make_one_schedule(installation: Installation) -> None:
    web = Web(installation)
    body = {"name": "once", "job": "demo.process_data", "cron": "0 3 * * *", "backend": "beat"}
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: post(web, "/api/schedules/", body), range(16)))
    assert {status for status, _, _ in answers} <= {201, 409}
    assert {answer["id"] for status, _, answer in answers if status == 201} == {Schedule.objects.get().pk}
