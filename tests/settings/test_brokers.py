"""BROKER_URL in, Celery settings out."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from settings.brokers import celery_settings, kind

SOCKET = Path("/srv/var/broker.sock")

URLS = [
    ("embedded:", "embedded", "redis+socket:///srv/var/broker.sock?virtual_host=0"),
    ("redis://h:6379/1", "redis", "redis://h:6379/1"),
    ("rediss://:p@h:6379/1", "redis", "rediss://:p@h:6379/1"),
    ("redis+socket:///run/r.sock", "redis", "redis+socket:///run/r.sock"),
    ("amqp://u:p@h:5672/v", "rabbitmq", "amqp://u:p@h:5672/v"),
    ("amqps://u:p@h:5671/v", "rabbitmq", "amqps://u:p@h:5671/v"),
]


@pytest.mark.parametrize(("url", "which", "broker_url"), URLS)
def test_a_url_decides(url: str, which: str, broker_url: str) -> None:
    made = celery_settings(url, socket=SOCKET)
    assert kind(url) == which
    assert made["broker_url"] == broker_url


@pytest.mark.parametrize(("url", "which", "_url"), URLS)
def test_every_broker_carries_json_only_and_bounds_a_publish(url: str, which: str, _url: str) -> None:
    made: dict[str, Any] = celery_settings(url, socket=SOCKET)
    assert made["accept_content"] == ["json"]
    assert made["task_serializer"] == "json"
    assert made["worker_prefetch_multiplier"] == 1
    assert made["broker_connection_timeout"] <= 0.6
    assert made["task_publish_retry_policy"]["max_retries"] == 1
    assert made["result_backend"] is None


def test_rabbitmq_confirms_what_it_took() -> None:
    options = celery_settings("amqp://h", socket=SOCKET)["broker_transport_options"]
    assert options["confirm_publish"] is True


@pytest.mark.parametrize("url", ["", "kafka://hunter2@h", "hunter2", "redis:hunter2", "amqp"])
def test_anything_else_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="BROKER_URL is not usable: write ") as refused:
        kind(url)
    assert "hunter2" not in str(refused.value)
