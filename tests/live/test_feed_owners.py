"""Two owners follow live status on a real server: each is sent what is its own."""

from __future__ import annotations

import http.client
from contextlib import closing

import pytest
from django.contrib.auth.models import Group, User

from api.bindings import service
from scheduling import clock
from scheduling.models import Task
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.live.installation import Installation
from tests.live.test_feed import completed
from tests.live.watching import Web, last_words, message

pytestmark = pytest.mark.live


def bound_user(name: str, owner: Group) -> User:
    """Somebody who sees only what belongs to this owner."""
    user = User.objects.create_superuser(name)
    service.bind(owner, user=user, now=clock.now())
    return user


def a_task_of(owner: Group) -> Task:
    task = a_task(a_schedule())
    Task.objects.filter(pk=task.pk).update(owner=owner.pk)
    return task


def test_each_owner_is_sent_its_own(on_valkey: Installation) -> None:
    red, blue = (Group.objects.create(name=name) for name in ("red", "blue"))
    web = Web(on_valkey, user=bound_user("alice", red))
    theirs, own = a_task_of(blue), a_task_of(red)
    assert web.close_code(f"/ws/tasks/{theirs.pk}/") == 4404
    with closing(http.client.HTTPConnection("127.0.0.1", web.port, timeout=30)) as connection:
        headers = {**web.headers, "Accept": "text/event-stream"}
        connection.request("GET", f"/api/tasks/{theirs.pk}/events/", headers=headers)
        assert connection.getresponse().status == 404
    with web.watch("/ws/tasks/?after=0") as client:
        missed = message(client)
        # The other task's events are first in the log.
        completed(theirs, {"secret": "blue"})
        completed(own, {"n": 1})
        live = [message(client) for _ in range(2)]
    assert [(one["task"], one["event"]) for one in [missed, *live]] == [(own.pk, 1), (own.pk, 2), (own.pk, 3)]


def test_a_new_binding_ends_a_live_connection(on_valkey: Installation) -> None:
    red = Group.objects.create(name="red")
    web = Web(on_valkey)
    task = a_task(a_schedule())
    with web.watch(f"/ws/tasks/{task.pk}/") as client:
        assert message(client)["task"] == task.pk
        service.bind(red, user=web.user, now=clock.now())
        assert last_words(client) == 4401
