"""The executor `worker`: tasks go to Celery workers through the broker."""

from django.apps import AppConfig


class QueueConfig(AppConfig):
    """Makes the Celery application the current one, so that tasks of installed applications belong to it."""

    name = "backends.queue"
    label = "queue"
    verbose_name = "Queue"

    def ready(self) -> None:
        from backends.queue import app  # noqa: F401, PLC0415 - importing it makes it current; it reads the loaded settings
