"""Faults in the middle of a batch: what counts as handed over is what the broker has said that it took."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from typing import Any

import pytest
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis import Redis

from backends.queue import publishing
from backends.queue.executor import QueueExecutor
from backends.queue.messages import queue_of
from scheduling import delivery, ledger
from scheduling.models import Task
from tests.backends.queue import brokers
from tests.backends.queue.brokers import application_on
from tests.backends.queue.shared_rabbitmq import rabbitmq
from tests.backends.queue.stored import take_all
from tests.backends.queue.test_live_brokers import redis
from tests.backends.stored_tasks import a_task
from tests.conftest import a_schedule
from tests.live.proxy import Proxy
from tests.servers.rabbitmq import RabbitServer
from tests.servers.redis_like import ValkeyServer
from tests.servers.server import Server, identity, needed

pytestmark = [pytest.mark.live, pytest.mark.django_db, pytest.mark.shares("RabbitMQ")]

TOGETHER = 10


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "TOGETHER", TOGETHER)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No broker of these tests is silent, but on a busy machine one may take seconds for an answer."""
    monkeypatch.setattr(publishing, "MOST_SECONDS", 60.0)
    monkeypatch.setattr(brokers, "step_seconds", lambda _url: 60.0)


def some_tasks(count: int) -> list[Task]:
    schedule = a_schedule()
    return [a_task(schedule) for _ in range(count)]


def stored(server: Server) -> list[int]:
    """The task ids of the messages that the broker holds. Takes them out."""
    return [int(str(message["body"]).removeprefix("[[").split(",")[0]) for message in take_all(server, queue_of(""))]


def append_only() -> Server:
    return ValkeyServer("--appendonly", "yes", "--appendfsync", "always")


@pytest.mark.parametrize("make", [append_only, rabbitmq])
def test_a_broker_that_is_killed_between_two_writes(make: Callable[[], AbstractContextManager[Server]]) -> None:
    tasks = some_tasks(3 * TOGETHER)
    with make() as server, application_on(server.url):
        publishing_ = publishing.publish(tasks)
        handed_over = list(islice(publishing_, TOGETHER))
        server.kill()
        with pytest.raises((OperationalError, OSError)):
            handed_over += publishing_
        assert handed_over == tasks[:TOGETHER]
        ledger.sent(handed_over, now=timezone.now())
        server.start()
        # The ledger has the others sent again, and only them.
        again = delivery.take_unclaimed(now=timezone.now() + ledger.UNCLAIMED_AFTER)
        assert again == tasks[TOGETHER:]
        assert QueueExecutor().submit(again).handed_over == again
        assert stored(server) == [task.pk for task in tasks]


@pytest.mark.parametrize("make", [append_only, rabbitmq])
def test_a_broker_that_is_killed_while_its_answers_are_read(make: Callable[[], AbstractContextManager[Server]]) -> None:
    tasks = some_tasks(2 * TOGETHER)
    with make() as server, application_on(server.url):
        publishing_ = publishing.publish(tasks)
        handed_over = [next(publishing_)]
        server.kill()
        with pytest.raises((OperationalError, OSError)):
            handed_over += publishing_
        server.start()
        held = stored(server)
    assert handed_over == tasks[: len(handed_over)]
    assert len(handed_over) <= TOGETHER
    assert {task.pk for task in handed_over} <= set(held)
    assert len(held) == len(set(held))


@pytest.mark.parametrize("make", [append_only, redis, pytest.param(rabbitmq, marks=pytest.mark.drill)])
def test_a_broker_that_was_started_anew_is_used_at_once(make: Callable[[], AbstractContextManager[Server]]) -> None:
    tasks = some_tasks(3)
    with make() as server, application_on(server.url):
        assert QueueExecutor().submit(tasks[:1]).handed_over == tasks[:1]
        for task in tasks[1:]:
            server.kill()
            server.start()
            assert QueueExecutor().submit([task]).handed_over == [task]


def test_a_broker_whose_memory_is_full_in_the_middle_of_a_batch() -> None:
    tasks = some_tasks(40 * TOGETHER)
    with ValkeyServer("--maxmemory-policy", "noeviction") as server, application_on(server.url):
        QueueExecutor().submit(tasks[:1])
        with limited_memory(server, more=200_000):
            submission = QueueExecutor().submit(tasks[1:])
        assert submission.error == "the broker cannot be reached (OutOfMemoryError)"
        assert 0 < len(submission.handed_over) < len(tasks) - 1
        assert stored(server) == [task.pk for task in [tasks[0], *submission.handed_over]]


def test_a_queue_that_takes_only_some_messages_of_a_batch() -> None:
    tasks = some_tasks(2 * TOGETHER)
    with rabbitmq() as server, application_on(server.url):
        with limited_queues(server, messages=TOGETHER // 2):
            submission = QueueExecutor().submit(tasks)
        assert submission.error == "the broker cannot be reached (MessageNacked)"
        assert 0 < len(submission.handed_over) < len(tasks)
        assert stored(server) == [task.pk for task in submission.handed_over]


@pytest.mark.parametrize("make", [redis, rabbitmq])
def test_a_network_that_breaks_in_the_middle_of_a_batch(make: Callable[[], AbstractContextManager[Server]]) -> None:
    tasks = some_tasks(3 * TOGETHER)
    with make() as server, Proxy(server.port) as network:
        with application_on(server.url.replace(f":{server.port}/", f":{network.port}/")):
            publishing_ = publishing.publish(tasks)
            handed_over = list(islice(publishing_, TOGETHER))
            with network.broken(), pytest.raises((OperationalError, OSError)):
                handed_over += publishing_
            rest = [task for task in tasks if task not in handed_over]
            assert QueueExecutor().submit(rest).handed_over == rest
        held = stored(server)
    assert handed_over == tasks[:TOGETHER]
    assert set(held) == {task.pk for task in tasks}
    assert held[:TOGETHER] == [task.pk for task in handed_over]


def test_the_address_of_the_broker_is_in_no_error_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    tasks = some_tasks(1)
    with application_on("redis://somebody:secret@127.0.0.1:1/0"):
        submission = QueueExecutor().submit(tasks)
    assert submission.error == "the broker cannot be reached (ConnectionError)"
    assert "secret" not in caplog.text + submission.error
    assert "127.0.0.1" not in caplog.text + submission.error


def test_a_batch_ends_in_time_though_the_broker_takes_each_message(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = some_tasks(3 * TOGETHER)
    # As if the time were over after the first write.
    monkeypatch.setattr(publishing, "MOST_SECONDS", 0.0)
    with ValkeyServer() as server, application_on(server.url):
        submission = QueueExecutor().submit(tasks)
        assert submission.error == "the broker cannot be reached (TimeoutError)"
        assert stored(server) == [task.pk for task in submission.handed_over]


@contextmanager
def limited_memory(server: ValkeyServer, *, more: int) -> Iterator[None]:
    """Inside the block the broker refuses what takes more than `more` bytes besides what it uses now."""
    with Redis.from_url(server._client_url) as client:
        memory: Any = client.info("memory")
        used = int(memory["used_memory"])
        client.config_set("maxmemory", used + more)
        try:
            yield
        finally:
            client.config_set("maxmemory", 0)


@contextmanager
def limited_queues(server: RabbitServer, *, messages: int) -> Iterator[None]:
    """Inside the block RabbitMQ refuses what a queue gets beyond so many messages."""
    policy = json.dumps({"max-length": messages, "overflow": "reject-publish"})
    _control(server, "set_policy", "--apply-to", "queues", "full", ".*", policy)
    try:
        yield
    finally:
        _control(server, "clear_policy", "full")


def _control(server: RabbitServer, *words: str) -> None:
    variables = [f"{name}={value}" for name, value in server._variables().items()]
    command = [needed("env"), *variables, "/usr/lib/rabbitmq/bin/rabbitmqctl", *words]
    subprocess.run(command, check=True, capture_output=True, cwd=server.folder, **identity(server.user()))
