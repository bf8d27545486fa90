"""The Celery application. Its settings are `settings.CELERY`, made from BROKER_URL by settings/brokers.py."""

from __future__ import annotations

from typing import Any

from celery import Celery, Task
from celery.signals import setup_logging, task_postrun, task_prerun
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections

app = Celery("tandem", set_as_current=settings.TANDEM_IS_CELERYS_DEFAULT)
app.config_from_object(settings.CELERY)
app.conf.worker_consumer = "backends.queue.consumer:Consumer"
# Celery's Django fixup closes the database connection around every task. To open it again costs more than the queries
# of the task. With this setting the fixup leaves the connection open. The two receivers below close a stale one.
app.conf["CELERY_DB_REUSE_MAX"] = 1_000_000
app.autodiscover_tasks()
if settings.TANDEM_IS_CELERYS_DEFAULT:
    app.set_default()


@task_prerun.connect
def drop_stale_connections(**_: Any) -> None:
    """Close connections that are too old (CONN_MAX_AGE) or had an error.

    A health check would cost the ledger's own connection a statement before each task. The claim finds out without one
    (scheduling/execution/run.py).
    """
    close_old_connections()
    ledgers: Any = connections[DEFAULT_DB_ALIAS]
    ledgers.health_check_done = True


@task_postrun.connect
def drop_connections_after_trouble(sender: Task[Any, Any], state: str = "", **_: Any) -> None:
    """Close the connections after a task that did not succeed: they may be in any state.

    Not after a job that failed: its end was recorded through them.
    """
    if state != "SUCCESS" and not getattr(sender.request, "recorded", False):
        connections.close_all()


@setup_logging.connect
def keep_logging(**_: Any) -> None:
    """Does nothing, but its presence keeps Celery from setting up logging: settings.LOGGING stays in force.

    So LOG_LEVEL counts for workers and beat, too, and --loglevel has no effect.
    """
