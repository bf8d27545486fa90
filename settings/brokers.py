"""BROKER_URL in, the Celery settings for that broker out. Pure: the only place that knows what each broker needs.

docs/brokers.md says the same for operators; docs/decisions/ says why not the other way.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from ssl import CERT_REQUIRED
from typing import Any, Final, Literal

from redis.backoff import NoBackoff
from redis.retry import Retry

from settings.broker_urls import BrokerKind, BrokerUrl, parsed

QueueType = Literal["classic", "quorum"]
QUEUE_TYPES: Final[tuple[QueueType, ...]] = ("classic", "quorum")

# One step of a publish: to send, to be confirmed, to connect. The longest way has three with one host and five with
# several: the connection from the pool is dead, so are two other hosts, and once more. That ends within two seconds;
# the ledger sends again what was not taken.
_STEP_SECONDS: Final = 0.5
# As above, where there are several hosts.
_STEP_OF_SEVERAL_SECONDS: Final = 0.3
# A worker's own connection may be slower: nobody waits for it.
_WORKER_SECONDS: Final = 5.0
# RabbitMQ refuses other arguments for a queue that exists (406), so each kind of queue has its own name.
_QUEUE_NAMES: Final[dict[QueueType, str]] = {"classic": "tandem", "quorum": "tandem.quorum"}

_COMMON: Final[dict[str, Any]] = {
    # Nothing but JSON is read or written: a message can never carry code.
    "accept_content": ["json"],
    "task_serializer": "json",
    "result_serializer": "json",
    # The ledger holds status and results; a second store could only disagree with it.
    "result_backend": None,
    "task_ignore_result": True,
    # A worker claims the attempt in the ledger before it runs, so a message has done its work once it is received
    # (docs/decisions/early-acknowledgement.md). Late acks would only add deliveries that find nothing to claim.
    "task_acks_late": False,
    # A long task must not hold back messages that another worker could take.
    "worker_prefetch_multiplier": 1,
    # Memory that a job leaks is given back.
    "worker_max_tasks_per_child": 1000,
    # Stopping: what runs may finish for this long before it is cut off and its message given back.
    "worker_soft_shutdown_timeout": 10.0,
    # The broker may come up after the worker, and may go away for as long as it likes.
    "broker_connection_retry_on_startup": True,
    "broker_connection_retry": True,
    "broker_connection_max_retries": None,
    # RabbitMQ closes the channel of a worker that kept a message for longer than its consumer_timeout (406). The
    # worker opens a new one instead of ending.
    "broker_channel_error_retry": True,
    # A task that was lost is the ledger's business: what ran when a connection broke goes on and is recorded.
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "broker_connection_timeout": _WORKER_SECONDS,
    # A thread waits for a free connection of the pool no longer than for the broker itself.
    "broker_pool_acquire_timeout": _STEP_SECONDS,
    # Once more, at once, over a new connection: the one in the pool may have died long ago.
    "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
}


@dataclass(frozen=True, slots=True)
class Tls:
    """Files for rediss:// and amqps://: who may sign the broker's certificate, and our own, if the broker asks.

    Empty: the system's certificate authorities; no certificate of our own. The broker's is always verified.
    """

    authority: str = ""
    certificate: str = ""
    key: str = ""


def kind(url: str) -> BrokerKind:
    """Which broker a URL means; raises ImproperlyConfigured that says what to write, without repeating the URL."""
    return parsed(url).kind


def celery_settings(
    url: str, *, socket: Path, queue_type: QueueType = "classic", tls: Tls | None = None
) -> dict[str, Any]:
    """The full set of Celery settings for `url`; `socket` is where the embedded broker listens.

    `queue_type` is RabbitMQ's. Raises ImproperlyConfigured as `kind` does.
    """
    broker = parsed(url)
    made = _rabbitmq(broker, queue_type) if broker.kind == "rabbitmq" else _redis(broker, socket)
    return _COMMON | made | _encryption(broker, tls or Tls())


def publish_options(url: str) -> dict[str, Any]:
    """The transport options, besides those of `celery_settings`, of a connection that publishes: all is bounded."""
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
        # redis-py asks each sentinel up to four times, seconds apart, unless it is told otherwise.
        once["sentinel_kwargs"] = bounds | {"retry": Retry(NoBackoff(), 0)}
    return once | bounds


def step_seconds(url: str) -> float:
    """How long each step of a publish may take, in seconds, so that the whole takes less than two."""
    return _STEP_SECONDS if parsed(url).hosts == 1 else _STEP_OF_SEVERAL_SECONDS


def wire_priorities(url: str) -> tuple[int, ...]:
    """What a message says for the priorities 0 to 9, so that 9 is first on every broker.

    kombu's Redis transport takes the lowest number first (priority_steps), RabbitMQ the highest.
    """
    return tuple(range(10)) if parsed(url).kind == "rabbitmq" else tuple(reversed(range(10)))


def _redis(broker: BrokerUrl, socket: Path) -> dict[str, Any]:
    options = {
        # A message that is not acknowledged for this long is given to another worker. Acks are early, so it only has
        # to be longer than a message waits inside a worker, whatever a task's own limit is: no message has an ETA.
        "visibility_timeout": 3600,
        # Looks for such messages every ten seconds, not every hundred.
        "unacked_restore_throttle": 1,
        # Keys of ours are told from those of others in the same database.
        "global_keyprefix": broker.prefix,
        # A connection that a firewall dropped is noticed: by the kernel, by a ping when it was idle, by a time-out.
        "socket_keepalive": True,
        "health_check_interval": 25,
        "socket_timeout": _WORKER_SECONDS,
        "socket_connect_timeout": _WORKER_SECONDS,
        # redis-py must not repeat a push whose answer timed out: that could be a second message.
        "retry_on_timeout": False,
        # A list for each priority, read in the order of the numbers: what is urgent overtakes, see wire_priorities.
        "priority_steps": list(range(10)),
        "queue_order_strategy": "priority",
    }
    if broker.service:
        options["master_name"] = broker.service
    return {
        "broker_url": broker.url or f"redis+socket://{socket}?virtual_host=0",
        "broker_transport_options": options,
        "task_default_queue": _QUEUE_NAMES["classic"],
        # Early acks alone let each busy process hold one more message; Redis can be asked for none.
        "worker_disable_prefetch": True,
    }


def _rabbitmq(broker: BrokerUrl, queue_type: QueueType) -> dict[str, Any]:
    classic = {
        "task_default_queue_type": "classic",
        "task_create_missing_queue_type": "classic",
        # One queue inside RabbitMQ for each: ten cost memory, 255 (its limit) would cost more. 9 is first.
        "task_queue_max_priority": 9,
    }
    # Replicated, survives the loss of a node; refuses x-max-priority (docs/decisions/queue-types.md).
    quorum = {
        "task_default_queue_type": "quorum",
        "task_create_missing_queue_type": "quorum",
        "task_queue_max_priority": None,
        # They know no prefetch for a whole channel: the worker asks for one for each consumer.
        "worker_detect_quorum_queues": True,
    }
    return {
        "broker_url": broker.url,
        # A dead peer is noticed after two of them, whatever the network says.
        "broker_heartbeat": 10,
        # Without confirms a broker that dies while we publish loses the message without a word.
        "broker_transport_options": {"confirm_publish": True},
        # Several hosts are tried in the order of the URL, then from the first again.
        "broker_failover_strategy": "round-robin",
        "task_default_queue": _QUEUE_NAMES[queue_type],
        # Messages are written to disk: those that were confirmed survive a restart of the broker.
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
    # None: the name of the host that is being connected to, also after a failover.
    return {"broker_use_ssl": given | {"cert_reqs": CERT_REQUIRED, "server_hostname": None}}
