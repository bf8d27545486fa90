"""The executor `worker`: tasks go to Celery workers through the broker."""

from django.apps import AppConfig


class QueueConfig(AppConfig):
    """Makes the Celery application the current one, so that tasks of installed applications belong to it, and offers
    those that TANDEM_CELERY_JOBS names as jobs.
    """

    name = "backends.queue"
    label = "tandem_queue"
    verbose_name = "Queue"

    def ready(self) -> None:
        from backends.queue import app  # noqa: F401, PLC0415 - importing it makes it current; it reads the loaded settings
        from backends.queue.celery_jobs import register  # noqa: PLC0415 - it imports models, which are loaded by now

        register()
