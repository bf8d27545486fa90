"""Live status from a real server to stock clients: present state, changes, resuming, and errors."""

from __future__ import annotations

import psycopg
import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from scheduling import ledger
from scheduling.models import Task, TaskEvent
from scheduling.storable import Json
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.live.installation import Installation
from tests.live.watching import Web, message, messages_until
from tests.servers.redis_like import RedisServer

pytestmark = pytest.mark.live

BODY = {
    "name": "Data Processing Task",
    "description": "Process some data in the background.",
    "scheduled_time": "2024-11-20T10:00:00Z",
}


def claimed(task: Task) -> Task:
    """Claim the task, so that it is RUNNING."""
    running = ledger.claim(task.pk, task.attempt, worker="test", now=timezone.now())
    assert running is not None
    return running


def completed(task: Task, result: Json) -> None:
    assert ledger.complete(claimed(task), result=result, now=timezone.now())


@pytest.mark.parametrize("where", ["on_postgres", pytest.param("on_valkey", marks=pytest.mark.drill)])
def test_a_task_is_followed_from_the_request_to_its_result(where: str, request: pytest.FixtureRequest) -> None:
    installation: Installation = request.getfixturevalue(where)
    web = Web(installation)
    asked = web.post("/api/tasks/", BODY)
    with web.watch(f"/ws/tasks/{asked['id']}/") as client:
        first = message(client)
        assert (first["event"], first["task"], first["status"], first["result"]) == (1, asked["id"], "QUEUED", None)
        installation.worker()
        received = [first, *messages_until(client, "COMPLETED")]
    assert [one["event"] for one in received] == list(range(1, len(received) + 1))
    assert received[-1] | BODY | {"status": "COMPLETED"} == received[-1] | BODY
    assert received[-1]["result"]["message"] == "Data processed successfully"
    assert [one["status"] for one in received[:2]] == ["QUEUED", "RUNNING"]
    assert received[-1]["error"] == ""


def test_a_late_client_gets_the_present_state_at_once(on_valkey: Installation) -> None:
    web = Web(on_valkey)
    task = a_task(a_schedule())
    running = claimed(task)
    ledger.progress(running, done=1, total=2, message="half", now=timezone.now())
    ledger.fail(running, error="no luck", now=timezone.now())
    with web.watch(f"/ws/tasks/{task.pk}/") as client:
        told = message(client)
    assert (told["event"], told["status"], told["error"]) == (4, "FAILED", "no luck")
    assert told["progress"] == {"done": 1, "total": 2, "message": "half"}


def test_a_client_that_was_away_is_told_what_it_missed_and_nothing_twice(installation: Installation) -> None:
    web = Web(installation)
    task = a_task(a_schedule())
    with web.watch(f"/ws/tasks/{task.pk}/") as client:
        seen = [message(client)["event"]]
        running = claimed(task)
        seen.append(message(client)["event"])
    for done in range(1, 4):
        ledger.progress(running, done=done, total=3, message="", now=timezone.now())
    with web.watch(f"/ws/tasks/{task.pk}/?after={seen[-1]}") as client:
        seen += [message(client)["event"] for _ in range(3)]
        ledger.complete(running, result=None, now=timezone.now())
        seen.append(message(client)["event"])
    assert seen == [1, 2, 3, 4, 5, 6]


def test_the_feed_has_every_task_and_resumes_from_a_position(installation: Installation) -> None:
    web = Web(installation)
    tasks = [a_task(a_schedule()) for _ in range(2)]
    with web.watch("/ws/tasks/") as client:
        completed(tasks[0], {"n": 0})
        received = [message(client) for _ in range(2)]
    completed(tasks[1], {"n": 1})
    with web.watch(f"/ws/tasks/?after={received[0]['position']}") as client:
        again = [message(client) for _ in range(3)]
    assert [(one["task"], one["event"]) for one in received] == [(tasks[0].pk, 2), (tasks[0].pk, 3)]
    assert again[0] == received[1]
    assert [(one["task"], one["event"], one["result"]) for one in again[1:]] == [
        (tasks[1].pk, 2, None),
        (tasks[1].pk, 3, {"n": 1}),
    ]


def test_events_arrive_while_the_broker_is_gone_and_after_it_is_back(
    on_postgres: Installation, redis_server: RedisServer
) -> None:
    web = Web(on_postgres)
    task = a_task(a_schedule())
    with web.watch(f"/ws/tasks/{task.pk}/") as client:
        assert message(client)["event"] == 1
        redis_server.kill()
        running = claimed(task)
        assert message(client)["status"] == "RUNNING"
        redis_server.start()
        ledger.progress(running, done=1, total=1, message="", now=timezone.now())
        assert message(client)["event"] == 3
        on_postgres.worker()
        other = web.post("/api/tasks/", BODY)["id"]
        with web.watch(f"/ws/tasks/{other}/") as client_of_other:
            assert messages_until(client_of_other, "COMPLETED")
        assert web.process.popen.poll() is None


def test_no_client_misses_an_event_that_is_committed_late(on_postgres: Installation) -> None:
    web = Web(on_postgres)
    late, early = a_task(a_schedule()), a_task(a_schedule())
    with (
        psycopg.connect(on_postgres.database_url) as open_transaction,
        web.watch("/ws/tasks/") as feed,
        web.watch(f"/ws/tasks/{late.pk}/") as watching_late,
    ):
        assert message(watching_late)["event"] == 1
        open_transaction.execute("UPDATE tandem_scheduling_task SET events = 2 WHERE id = %s", [late.pk])
        open_transaction.execute(
            "INSERT INTO tandem_scheduling_taskevent (task_id, number, at, status, detail)"
            " VALUES (%s, 2, now(), 'RUNNING', '{}')",
            [late.pk],
        )
        completed(early, None)
        seen = [message(feed) for _ in range(2)]
        assert [one["task"] for one in seen] == [early.pk, early.pk]
        open_transaction.commit()
        assert (message(feed)["task"], message(watching_late)["event"]) == (late.pk, 2)
    with web.watch(f"/ws/tasks/?after={seen[-1]['position']}") as feed:
        again = [message(feed) for _ in range(3)]
    # What comes twice is known by its number.
    assert [(one["task"], one["event"]) for one in again] == [(late.pk, 2), (early.pk, 2), (early.pk, 3)]


def test_a_rolled_back_transaction_does_not_delay_events(on_postgres: Installation) -> None:
    web = Web(on_postgres)
    # Now: a schedule that is created takes numbers of the log for its entries of the audit log.
    task, later = a_task(a_schedule()), a_schedule()
    with web.watch("/ws/tasks/") as feed:
        with psycopg.connect(on_postgres.database_url) as given_up:
            given_up.execute("UPDATE tandem_scheduling_task SET events = events WHERE id = %s", [task.pk])
            given_up.execute("SELECT nextval(pg_get_serial_sequence('tandem_scheduling_taskevent', 'id'))")
            given_up.rollback()
        completed(task, None)
        received = [message(feed) for _ in range(2)]
        other = a_task(later)
        received.append(message(feed))
    assert [one["task"] for one in received] == [task.pk, task.pk, other.pk]
    assert received[-1]["position"] == TaskEvent.objects.get(task=other).pk


def test_server_sent_events_are_the_same_and_resume_by_their_last_id(on_valkey: Installation) -> None:
    web = Web(on_valkey)
    task = a_task(a_schedule())
    path = f"/api/tasks/{task.pk}/events/"
    with web.stream(path) as events, web.watch(f"/ws/tasks/{task.pk}/") as client:
        number, told = next(events)
        assert (number, told) == ("1", message(client))
        running = claimed(task)
        number, told = next(events)
        assert (number, told) == ("2", message(client))
    ledger.progress(running, done=1, total=1, message="two\nlines", now=timezone.now())
    ledger.complete(running, result={"text": "\r\n\u2028"}, now=timezone.now())
    with web.stream(path, {"Last-Event-ID": "2"}) as events:
        missed = [next(events), next(events)]
    assert [number for number, _ in missed] == ["3", "4"]
    assert missed[0][1]["progress"]["message"] == "two\nlines"
    assert missed[1][1]["result"] == {"text": "\r\n\u2028"}


def test_a_refused_socket_gets_the_reason_as_its_close_code(on_valkey: Installation) -> None:
    web = Web(on_valkey)
    task = a_task(a_schedule())
    path = f"/ws/tasks/{task.pk}/"
    assert web.close_code(path, {}) == 4401
    assert web.close_code("/ws/tasks/", {"Authorization": "Bearer " + "0" * 64}) == 4401
    assert web.close_code(path, {**web.headers, "Origin": "https://evil.example"}) == 4403
    assert web.close_code(f"/ws/tasks/{task.pk + 1}/") == 4404
    assert web.close_code("/ws/nothing/") == 4404
    assert web.close_code("/ws/tasks/x/") == 4404
    assert web.close_code(f"{path}?after=x") == 4400
    assert web.close_code(f"{path}?after=-1") == 4400
    web.user.is_active = False
    web.user.save()
    assert web.close_code(path) == 4401


def test_a_browser_is_known_by_its_subprotocol_or_its_session(on_valkey: Installation) -> None:
    web = Web(on_valkey)
    path = f"/ws/tasks/{a_task(a_schedule()).pk}/"
    origin = {"Origin": f"http://127.0.0.1:{web.port}"}
    with web.watch(path, origin, subprotocols=["bearer", web.token]) as client:
        assert client.subprotocol == "bearer"
        assert message(client)["event"] == 1
    browser = Client()
    browser.force_login(web.user)
    cookie = f"{settings.SESSION_COOKIE_NAME}={browser.cookies[settings.SESSION_COOKIE_NAME].value}"
    with web.watch(path, {**origin, "Cookie": cookie}) as client:
        assert message(client)["event"] == 1
    assert web.token not in web.process.said()
