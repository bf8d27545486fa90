"""Beats with a broker and without one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from scheduling.executor import executor
from tests.backends.beat.beats import Beat
from tests.recording import SETTINGS_EXECUTORS, RecordingExecutor
from tests.servers.redis_like import ValkeyServer


@pytest.fixture
def recorded(settings: Settings) -> RecordingExecutor:
    """The messages of Tandem's tasks, recorded instead of published."""
    settings.TANDEM_EXECUTORS = SETTINGS_EXECUTORS
    found = executor("worker")
    assert isinstance(found, RecordingExecutor)
    return found


@pytest.fixture
def beat(recorded: RecordingExecutor, settings: Settings) -> Iterator[Beat]:
    """A Beat without a broker: nothing listens at the address."""
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
