"""What a worker does while its broker is away."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from celery.worker.consumer import Consumer as CeleryConsumer

# Celery waits 2 s longer after each try, up to 30 s; so long after the broker is back nobody would take a message.
INTERVALS: Final[dict[str, float]] = {"interval_start": 1, "interval_step": 1, "interval_max": 5}


class Consumer(CeleryConsumer):
    """Celery's own, which tries to reconnect at the end of INTERVALS, the last of them again and again."""

    def ensure_connected(self, conn: Any) -> Any:
        """Return the connection once it is open."""
        # No setting reaches the intervals: they are defaults of kombu's method.
        conn.ensure_connection = partial(conn.ensure_connection, **INTERVALS)
        return super().ensure_connected(conn)
