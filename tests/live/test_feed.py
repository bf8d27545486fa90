"""Live status from a real server to stock clients: present state, changes, resuming, and errors."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from io import StringIO
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from scheduling import ledger
from scheduling.models import Task, TaskEvent
from scheduling.storable import Json
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.live.installation import Installation, ledger_at
from tests.live.watching import Web, last_words, message, messages_until, notifier_of
from tests.servers.redis_like import RedisServer, ValkeyServer
from tests.tokens import token_for

pytestmark = pytest.mark.live

BODY = {
    "name": "Data Processing Task",
    "description": "Process some data in the background.",
    "scheduled_time": "2024-11-20T10:00:00Z",
}


@pytest.fixture
def on_valkey(sqlite: Path, folder: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Installation]:
    """An installation on SQLite and the embedded broker."""
    shutil.copy(sqlite, folder / "tandem.sqlite3")
    url = f"sqlite:///{folder / 'tandem.sqlite3'}"
    with ValkeyServer() as broker, django_db_blocker.unblock(), ledger_at(url):
        made = Installation(url, broker.url, folder)
        try:
            yield made
        finally:
            made.close()


def claimed(task: Task) -> Task:
    """Claim the task, so that it is RUNNING."""
    running = ledger.claim(task.pk, task.attempt, worker="test", now=timezone.now())
    assert running is not None
    return running


def completed(task: Task, result: Json) -> None:
    assert ledger.complete(claimed(task), result=result, now=timezone.now())


@pytest.mark.parametrize("where", ["on_postgres", "on_valkey"])
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
    task = a_task(a_schedule())
    with web.watch("/ws/tasks/") as feed:
        with psycopg.connect(on_postgres.database_url) as given_up:
            given_up.execute("UPDATE tandem_scheduling_task SET events = events WHERE id = %s", [task.pk])
            given_up.execute("SELECT nextval(pg_get_serial_sequence('tandem_scheduling_taskevent', 'id'))")
            given_up.rollback()
        completed(task, None)
        received = [message(feed) for _ in range(2)]
        other = a_task(a_schedule())
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


def test_a_revoked_token_ends_its_socket_and_its_stream_and_no_other(on_valkey: Installation) -> None:
    web = Web(on_valkey)
    task = a_task(a_schedule())
    path = f"/api/tasks/{task.pk}/events/"
    other = {"Authorization": f"Bearer {token_for(web.user)}"}
    with (
        web.watch(f"/ws/tasks/{task.pk}/") as client,
        web.watch("/ws/tasks/") as feed,
        web.stream(path) as events,
        web.watch(f"/ws/tasks/{task.pk}/", other) as stays,
    ):
        assert message(client)["event"] == message(stays)["event"] == 1
        assert next(events)[0] == "1"
        call_command("revoke_token", web.token, stdout=StringIO())
        assert last_words(client) == last_words(feed) == 4401
        assert list(events) == []
        claimed(task)
        assert message(stays)["status"] == "RUNNING"


def test_an_expired_token_and_a_lost_role_end_their_sockets(on_valkey: Installation) -> None:
    web = Web(on_valkey)
    somebody = User.objects.create_user("somebody")
    somebody.groups.add(Group.objects.get_or_create(name="viewer")[0])
    short = {"Authorization": f"Bearer {token_for(web.user, expires_at=timezone.now() + timedelta(seconds=8))}"}
    losing = {"Authorization": f"Bearer {token_for(somebody)}"}
    with web.watch("/ws/tasks/", short) as expires, web.watch("/ws/tasks/", losing) as loses:
        somebody.groups.clear()
        assert last_words(loses) == last_words(expires) == 4401


def test_a_token_has_no_more_connections_than_are_allowed(on_valkey: Installation) -> None:
    web = Web(on_valkey, TANDEM_LIVE_CONNECTIONS="2")
    task = a_task(a_schedule())
    with web.watch("/ws/tasks/"), web.stream(f"/api/tasks/{task.pk}/events/") as events:
        assert next(events)[0] == "1"
        assert web.close_code("/ws/tasks/") == 4429
        assert web.status(f"/api/tasks/{task.pk}/events/", {"Accept": "text/event-stream"}) == 429
        with web.watch("/ws/tasks/", {"Authorization": f"Bearer {token_for(web.user)}"}):
            pass


def narrow(port: int) -> socket.socket:
    """A connection whose buffers hold little data while nobody reads it."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    return made


def test_a_client_that_does_not_read_is_dropped_and_a_hundred_others_are_not_delayed(
    on_postgres: Installation,
) -> None:
    web = Web(on_postgres)
    task = claimed(a_task(a_schedule()))
    schedule, text, rounds = a_schedule(), "x" * 200_000, 100
    with ExitStack() as stack:
        notify = stack.enter_context(notifier_of(on_postgres))
        feeds = [stack.enter_context(web.watch("/ws/tasks/", compression=None)) for _ in range(5)]
        watching = [stack.enter_context(web.watch(f"/ws/tasks/{task.pk}/")) for _ in range(95)]
        slow = stack.enter_context(
            web.watch("/ws/tasks/", sock=narrow(web.port), compression=None, max_queue=1, ping_interval=None)
        )
        assert {message(client)["event"] for client in watching} == {2}
        sizes = []
        for _ in range(rounds):
            completed(a_task(schedule), text)
            notify()
            for feed in feeds:
                assert messages_until(feed, "COMPLETED")[-1]["result"] == text
            sizes.append(web.resident_bytes())
        # By the middle the slow one was dropped: its queue, the largest part of what it costs, holds 4 MB.
        assert max(sizes[rounds // 2 :]) - sizes[rounds // 2] < 8_000_000
        assert max(sizes) - sizes[0] < 32_000_000
        assert ledger.complete(task, result=None, now=timezone.now())
        notify()
        assert {message(client)["event"] for client in watching} == {3}
        assert last_words(slow) == 4408
