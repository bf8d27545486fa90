"""The Celery application. Its settings are `settings.CELERY`, made from BROKER_URL by settings/brokers.py."""

from __future__ import annotations

from typing import Any

from celery import Celery, Task
from celery.signals import setup_logging, task_postrun, task_prerun
from django.conf import settings
from django.db import close_old_connections, connections

app = Celery("tandem")
app.config_from_object(settings.CELERY)
app.conf.worker_consumer = "backends.queue.consumer:Consumer"
# Celery's Django fixup closes the database connection around every task, which costs more than the task's own queries.
# It leaves it open with this setting, and the two receivers below close a connection that went stale.
app.conf["CELERY_DB_REUSE_MAX"] = 1_000_000
app.autodiscover_tasks()
app.set_default()


@task_prerun.connect
def drop_stale_connections(**_: Any) -> None:
    """A database that was restarted since the last task gets a new connection (CONN_MAX_AGE, CONN_HEALTH_CHECKS)."""
    close_old_connections()


@task_postrun.connect
def drop_connections_after_trouble(sender: Task[Any, Any], state: str = "", **_: Any) -> None:
    """After anything but success nobody knows what state the connection is in."""
    if state != "SUCCESS":
        connections.close_all()


@setup_logging.connect
def keep_logging(**_: Any) -> None:
    """Celery leaves logging as settings.LOGGING has it: with a receiver here it sets up nothing of its own.

    So LOG_LEVEL decides for workers and beat too, whatever --loglevel says.
    """
