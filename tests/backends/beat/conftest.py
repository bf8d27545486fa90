"""What the tests of the scheduler share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.backends.beat.ticking import Beat
from tests.recording import RecordingExecutor
from tests.servers.redis_like import ValkeyServer


@pytest.fixture
def beat(recorded: RecordingExecutor, settings: Settings) -> Iterator[Beat]:
    """Without a broker: nobody listens at the address."""
    made = Beat("redis+socket:///nowhere/broker.sock?virtual_host=0", settings)
    yield made
    made.close()


@pytest.fixture
def broker() -> Iterator[ValkeyServer]:
    with ValkeyServer() as server:
        yield server


@pytest.fixture
def beat_with_broker(recorded: RecordingExecutor, broker: ValkeyServer, settings: Settings) -> Iterator[Beat]:
    made = Beat(broker.url, settings)
    yield made
    made.close()
