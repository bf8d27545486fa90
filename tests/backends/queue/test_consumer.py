"""A worker whose broker is away tries to connect every few seconds, and then does only what Tandem needs."""

from __future__ import annotations

from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer
from kombu.transport.redis import Transport

from backends.queue.app import app
from backends.queue.consumer import INTERVALS, LEFT_OUT, Consumer
from backends.queue.redis_channel import lean


class Connection:
    """A connection that remembers its arguments."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def get_transport_cls(self) -> type[Any]:
        return Transport

    def ensure_connection(self, *_: object, callback: object, **intervals: float) -> Connection:
        self.asked = intervals
        return self


def test_a_worker_tries_to_reconnect_at_short_intervals() -> None:
    assert app.conf.worker_consumer == f"{Consumer.__module__}:{Consumer.__name__}"
    consumer = object.__new__(Consumer)
    consumer.app, consumer.first_connection_attempt = app, True
    connection = Connection()
    assert consumer.ensure_connected(connection) is connection
    assert connection.asked == INTERVALS
    assert max(INTERVALS.values()) <= 5
    assert connection.get_transport_cls() is lean(Transport)


def test_a_worker_declares_no_exchanges_for_etas_at_each_host() -> None:
    stock = list(CeleryConsumer.Blueprint.default_steps)
    assert LEFT_OUT in stock
    assert list(Consumer.Blueprint.default_steps) == [step for step in stock if step != LEFT_OUT]
