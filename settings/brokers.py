"""BROKER_URL in, the Celery settings for that broker out. Pure: the only place that knows what each broker needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import parse_qs, urlsplit

from django.core.exceptions import ImproperlyConfigured

Kind = Literal["embedded", "redis", "rabbitmq"]

_SCHEMES: Final[dict[str, Kind]] = {
    "embedded": "embedded",
    "redis": "redis",
    "rediss": "redis",
    "redis+socket": "redis",
    "amqp": "rabbitmq",
    "amqps": "rabbitmq",
}

# One bound for everything a web request waits for: connect, send and confirm stay below it, twice, within two seconds.
PUBLISH_SECONDS: Final = 0.6

_COMMON: Final[dict[str, Any]] = {
    # Nothing but JSON is read or written: a message can never carry code.
    "accept_content": ["json"],
    "task_serializer": "json",
    "result_serializer": "json",
    # The ledger holds status and results; a second store could only disagree with it.
    "result_backend": None,
    "task_ignore_result": True,
    # A worker claims the attempt in the ledger before it runs, so a message has done its work once it is received.
    # Losing it after that is the ledger's business (it is sent again), and late acks would only add deliveries.
    "task_acks_late": False,
    # A long task must not hold back messages that another worker could take.
    "worker_prefetch_multiplier": 1,
    # Memory that a job leaks is given back.
    "worker_max_tasks_per_child": 1000,
    # Stopping: finish what runs, for this long, before it is cut off.
    "worker_soft_shutdown_timeout": 10,
    # The broker may come up after the worker, and may go away for as long as it likes.
    "broker_connection_retry_on_startup": True,
    "broker_connection_retry": True,
    "broker_connection_max_retries": None,
    "broker_channel_error_retry": True,
    "broker_connection_timeout": PUBLISH_SECONDS,
    # A publish is tried twice and then given up: the ledger sends it again.
    "task_publish_retry_policy": {
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.2,
    },
    "task_default_queue": "tandem",
}


def kind(url: str) -> Kind:
    """Which broker a URL means.

    Raises ImproperlyConfigured that says what to write; the URL (a secret) is not repeated.
    """
    found = _SCHEMES.get(url.partition(":")[0])
    if found is None or (found != "embedded" and "://" not in url):
        raise ImproperlyConfigured(
            "BROKER_URL is not usable: write embedded:, redis://host:6379/0, rediss://host:6379/0, "
            "redis+socket:///path/to/socket, amqp://user:password@host:5672/vhost or amqps://..."
        )
    return found


def celery_settings(url: str, *, socket: Path) -> dict[str, Any]:
    """The full set of Celery settings for `url`; `socket` is where the embedded broker listens."""
    which = kind(url)
    if which == "rabbitmq":
        return _COMMON | _rabbitmq(url)
    return _COMMON | _redis(f"redis+socket://{socket}?virtual_host=0" if which == "embedded" else url)


def _redis(url: str) -> dict[str, Any]:
    return {
        "broker_url": url,
        "broker_transport_options": {
            # No message waits with an ETA, so one that is not acknowledged for an hour belongs to a dead worker.
            "visibility_timeout": 3600,
            "global_keyprefix": parse_qs(urlsplit(url).query).get("prefix", ["tandem:"])[0],
            "socket_timeout": 5,
            "socket_connect_timeout": PUBLISH_SECONDS,
            "socket_keepalive": True,
            "health_check_interval": 25,
            "unacked_restore_throttle": 1,
            "max_retries": 0,
        },
    }


def _rabbitmq(url: str) -> dict[str, Any]:
    return {
        "broker_url": url,
        "broker_heartbeat": 10,
        "broker_transport_options": {
            # Without confirms a broker that dies while we publish loses the message without a word.
            "confirm_publish": True,
            "confirm_timeout": PUBLISH_SECONDS,
            "max_retries": 0,
        },
        "task_queue_max_priority": 9,
    }
