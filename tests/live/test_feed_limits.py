"""What ends a client of live status: its token, too many connections, and that it does not read."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.utils import timezone

from scheduling import ledger
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.live.installation import Installation
from tests.live.test_feed import claimed, completed
from tests.live.watching import Web, last_words, message, messages_until, notifier_of
from tests.tokens import token_for

pytestmark = pytest.mark.live


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


def test_an_open_stream_keeps_no_thread(on_valkey: Installation) -> None:
    web = Web(on_valkey)
    path = f"/api/tasks/{a_task(a_schedule()).pk}/events/"
    with ExitStack() as stack:
        first = stack.enter_context(web.stream(path))
        assert next(first)[0] == "1"
        alone = web.threads()
        streams = [stack.enter_context(web.stream(path)) for _ in range(12)]
        assert {next(stream)[0] for stream in streams} == {"1"}
        # One more for each would be 12; the pool that reads the log may have grown by a few.
        assert web.threads() - alone < 6


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
