"""A broker, or no broker, at the address that the application uses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.backends.queue.brokers import Broker, embedded_broker, forget_connections
from tests.backends.queue.shared_rabbitmq import end_server


@pytest.fixture(scope="session", autouse=True)
def _no_server_is_left() -> Iterator[None]:
    yield
    end_server()


@pytest.fixture
def broker() -> Iterator[Broker]:
    with embedded_broker() as running:
        yield running


@pytest.fixture
def no_broker() -> Iterator[None]:
    forget_connections()
    yield
    forget_connections()
