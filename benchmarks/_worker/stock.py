"""The Celery application beside which Tandem's worker is measured, and its one task.

STOCK_RESULTS is `none`, `django-db` or `kept`: django-db whose connection stays open from task to task.
"""

import os

from celery import Celery

app = Celery("stock", broker=os.environ["BROKER_URL"])
app.conf.task_default_queue = "stock"
app.conf.broker_connection_retry_on_startup = True
if os.environ["STOCK_RESULTS"] == "none":
    app.conf.task_ignore_result = True
else:
    app.conf.update(result_backend="django-db")
if os.environ["STOCK_RESULTS"] == "kept":
    # Celery's Django fixup closes the connection before and after each task, unless this says otherwise.
    app.conf["CELERY_DB_REUSE_MAX"] = 1_000_000


@app.task(name="bench.nothing")
def nothing() -> None:
    """Do nothing."""
