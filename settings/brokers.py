"""Turn BROKER_URL into the Celery settings for that broker. Pure: the only place that knows what each broker needs.

docs/brokers.md explains it for operators; docs/decisions/ holds the reasons.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from ssl import CERT_REQUIRED
from typing import Any, Final, Literal

from settings.broker_urls import BrokerKind, BrokerUrl, parsed

QueueType = Literal["classic", "quorum"]
QUEUE_TYPES: Final[tuple[QueueType, ...]] = ("classic", "quorum")

# Limits of one step of a publish: connect, send, or wait for the confirmation. A publish has at most three steps with
# one host and five with several (the pool's connection is dead, two other hosts are dead too, one more try). So it ends
# within two seconds. The ledger sends again what no broker took.
_STEP_SECONDS: Final = 0.5
# As above, where there are several hosts.
_STEP_OF_SEVERAL_SECONDS: Final = 0.3
# A worker's own connection may take longer: no request waits for it.
_WORKER_SECONDS: Final = 5.0
# RabbitMQ refuses to declare an existing queue with other arguments (406), so each type of queue has its own name.
_QUEUE_NAMES: Final[dict[QueueType, str]] = {"classic": "tandem", "quorum": "tandem.quorum"}

_COMMON: Final[dict[str, Any]] = {
    # Only JSON is read and written, so that a message cannot carry code.
    "accept_content": ["json"],
    "task_serializer": "json",
    "result_serializer": "json",
    # The ledger holds status and results. A second store could disagree with it.
    "result_backend": None,
    "task_ignore_result": True,
    # A worker claims the attempt in the ledger before it runs it, so the message is not needed after that
    # (docs/decisions/early-acknowledgement.md). Late acks would only add deliveries that find nothing to claim.
    "task_acks_late": False,
    # A cold shutdown (SIGQUIT) gives running tasks this many seconds to finish before it ends them.
    "worker_soft_shutdown_timeout": 10.0,
    # The broker may start after the worker, and may be away for any time: the worker keeps trying.
    "broker_connection_retry_on_startup": True,
    "broker_connection_retry": True,
    "broker_connection_max_retries": None,
    # RabbitMQ closes the channel of a worker that keeps a message for longer than its consumer_timeout (406). With this
    # setting the worker opens a new channel; without it, the worker ends.
    "broker_channel_error_retry": True,
    # A task that runs when the connection breaks goes on, and its end is recorded in the ledger.
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "broker_connection_timeout": _WORKER_SECONDS,
    # A thread waits for a free connection of the pool no longer than for one step of a publish.
    "broker_pool_acquire_timeout": _STEP_SECONDS,
    # One more try, at once, over a new connection: the one in the pool may have died long ago.
    "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
}


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of files for rediss:// and amqps://. The broker's certificate is always verified.

    `authority` holds the certificate authorities (empty: the system's). `certificate` and `key` are the client's, for a
    broker that asks for them (empty: none).
    """

    authority: str = ""
    certificate: str = ""
    key: str = ""


def kind(url: str) -> BrokerKind:
    """The kind of broker that a URL names. Raises ImproperlyConfigured that says what to write, without the URL."""
    return parsed(url).kind


def celery_settings(
    url: str, *, socket: Path, queue_type: QueueType = "classic", tls: Tls | None = None
) -> dict[str, Any]:
    """All Celery settings for `url`. `socket` is the path at which the embedded broker listens.

    `queue_type` applies to RabbitMQ only. Raises ImproperlyConfigured as `kind` does.
    """
    broker = parsed(url)
    made = _rabbitmq(broker, queue_type) if broker.kind == "rabbitmq" else _redis(broker, socket)
    return _COMMON | made | _encryption(broker, tls or Tls())


def publish_options(url: str) -> dict[str, Any]:
    """Transport options for a connection that publishes, besides those of `celery_settings`: they bound each step."""
    broker, step = parsed(url), step_seconds(url)
    once: dict[str, Any] = {"max_retries": 0, "interval_start": 0, "interval_step": 0, "interval_max": 0}
    if broker.kind == "rabbitmq" and broker.hosts > 1:
        # Two hosts are tried; the next publish begins where this one ended.
        once |= {"max_retries": 1, "connect_retries_timeout": 2 * step}
    if broker.kind == "rabbitmq":
        # py-amqp waits for a handshake and an answer with these (seconds; SO_RCVTIMEO, SO_SNDTIMEO).
        return once | {"read_timeout": step, "write_timeout": step}
    bounds = {"socket_timeout": step, "socket_connect_timeout": step}
    if broker.service:
        # They take half a second of CPU, which each `manage.py due` would pay.
        from redis.backoff import NoBackoff  # noqa: PLC0415 - as said
        from redis.retry import Retry  # noqa: PLC0415 - as said

        # By default, redis-py asks each sentinel up to four times, seconds apart.
        once["sentinel_kwargs"] = bounds | {"retry": Retry(NoBackoff(), 0)}
    return once | bounds


def step_seconds(url: str) -> float:
    """The time limit of each step of a publish, in seconds. The whole publish then takes less than two seconds."""
    return _STEP_SECONDS if parsed(url).hosts == 1 else _STEP_OF_SEVERAL_SECONDS


def broker_priorities(url: str) -> tuple[int, ...]:
    """The priority to put into a message for each of the priorities 0 to 9, so that 9 is first on every broker.

    kombu's Redis transport takes the lowest number first (priority_steps), RabbitMQ the highest.
    """
    return tuple(range(10)) if parsed(url).kind == "rabbitmq" else tuple(reversed(range(10)))


def _redis(broker: BrokerUrl, socket: Path) -> dict[str, Any]:
    options = {
        # Seconds after which a message that is not acknowledged is given to another worker. Acks are early and no
        # message has an ETA, so this only has to be longer than a message waits inside a worker, not than a task runs.
        "visibility_timeout": 3600,
        # The worker looks for such messages every ten seconds, not every hundred.
        "unacked_restore_throttle": 1,
        # Several installations can share one database: each has its own prefix.
        "global_keyprefix": broker.prefix,
        # Three ways to notice a connection that a firewall dropped: the kernel's keepalive, a ping after idle time, and
        # time-outs.
        "socket_keepalive": True,
        "health_check_interval": 25,
        "socket_timeout": _WORKER_SECONDS,
        "socket_connect_timeout": _WORKER_SECONDS,
        # redis-py must not repeat a push whose answer timed out: it could store a second message.
        "retry_on_timeout": False,
        # One list per priority, read in the order of the numbers: see broker_priorities.
        "priority_steps": list(range(10)),
        "queue_order_strategy": "priority",
    }
    if broker.service:
        options["master_name"] = broker.service
    return {
        "broker_url": broker.url or f"redis+socket://{socket}?virtual_host=0",
        "broker_transport_options": options,
        "task_default_queue": _QUEUE_NAMES["classic"],
        # With early acks, each busy process would still hold one more message. On Redis this setting prevents it.
        "worker_disable_prefetch": True,
    }


def _rabbitmq(broker: BrokerUrl, queue_type: QueueType) -> dict[str, Any]:
    classic = {
        "task_default_queue_type": "classic",
        "task_create_missing_queue_type": "classic",
        # RabbitMQ keeps an inner queue per priority, which costs memory: ten of them, not 255 (its limit). 9 is first.
        "task_queue_max_priority": 9,
    }
    # Quorum queues are replicated and survive the loss of a node. They refuse x-max-priority
    # (docs/decisions/queue-types.md).
    quorum = {
        "task_default_queue_type": "quorum",
        "task_create_missing_queue_type": "quorum",
        "task_queue_max_priority": None,
        # Quorum queues have no prefetch limit per channel: the worker sets one per consumer.
        "worker_detect_quorum_queues": True,
    }
    return {
        "broker_url": broker.url,
        # Seconds. A dead peer is noticed after two missed heartbeats, even if the network reports no error.
        "broker_heartbeat": 10,
        # Without confirms, a broker that dies during a publish loses the message and no error is raised.
        "broker_transport_options": {"confirm_publish": True},
        # Several hosts are tried in the order of the URL, then from the first again.
        "broker_failover_strategy": "round-robin",
        "task_default_queue": _QUEUE_NAMES[queue_type],
        # Messages are written to disk: confirmed ones survive a restart of the broker.
        "task_default_delivery_mode": 2,
        **(quorum if queue_type == "quorum" else classic),
    }


def _encryption(broker: BrokerUrl, tls: Tls) -> dict[str, Any]:
    if not broker.encrypted:
        return {}
    files = {"ca_certs": tls.authority, "certfile": tls.certificate, "keyfile": tls.key}
    given = {name: path for name, path in files.items() if path}
    if broker.kind == "redis":
        # kombu's own default for rediss:// verifies nothing.
        options = {f"ssl_{name}": path for name, path in given.items()}
        return {"broker_use_ssl": options | {"ssl_cert_reqs": CERT_REQUIRED, "ssl_check_hostname": True}}
    # None stands for the name of the host that is connected to, also after a failover.
    return {"broker_use_ssl": given | {"cert_reqs": CERT_REQUIRED, "server_hostname": None}}
