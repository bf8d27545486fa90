"""How a worker connects to its broker: how often it tries, and what it leaves out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Final

from celery.worker.consumer import Consumer as CeleryConsumer

from backends.queue.redis_channel import lean
from scheduling import processes

# By default Celery waits 2 s longer after each try, up to 30 s. For that long after the broker's return no worker would
# take messages.
# Here: 1 s, 2 s and so on, then 5 s each time.
INTERVALS: Final[dict[str, float]] = {"interval_start": 1, "interval_step": 1, "interval_max": 5}
# Celery's exchanges for tasks with an ETA, on quorum queues. At each connection it declares them at every host of the
# URL, one after the other: with one host down no worker takes messages for 17 s. A task of Tandem waits in the ledger
# and has no ETA, and its queues have direct exchanges, which Celery does not use them for.
LEFT_OUT: Final = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class Consumer(CeleryConsumer):
    """Celery's consumer, with shorter waits between its tries to connect (INTERVALS), and a lean transport."""

    class Blueprint(CeleryConsumer.Blueprint):  # type: ignore[misc, valid-type]  # celery-types calls it a value
        """Its steps, without LEFT_OUT."""

        default_steps: ClassVar = [step for step in CeleryConsumer.Blueprint.default_steps if step != LEFT_OUT]

    def ensure_connected(self, conn: Any) -> Any:
        """Wait until the connection is open, and return it."""
        # No setting of Celery changes the intervals: they are default arguments of kombu's method.
        conn.ensure_connection = partial(_patient, conn.ensure_connection)
        # It is asked again when the connection switches to another host.
        conn.get_transport_cls = partial(lean, conn.get_transport_cls())
        return super().ensure_connected(conn)


def _patient(ensure_connection: Callable[..., Any], *given: Any, callback: Callable[[], None], **named: Any) -> Any:
    """Call it with INTERVALS.

    What it calls each second (`callback`) also says that the worker's loop comes round: a worker that waits for its
    broker does not hang.
    """

    def each_second() -> None:
        processes.came_round()
        callback()

    return ensure_connection(*given, callback=each_second, **INTERVALS, **named)
