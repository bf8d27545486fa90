"""The executor `worker`, which hands tasks to Celery workers through the broker, as a Django application."""

from django.apps import AppConfig, apps
from django.conf import settings


class QueueConfig(AppConfig):
    """Makes the Celery application the default one, so that the Celery tasks of installed applications belong to it.

    Not in a process of another Celery application: there the tasks stay with that one.

    Registers the Celery tasks that TANDEM_CELERY_JOBS names as jobs.
    """

    name = "backends.queue"
    label = "tandem_queue"
    verbose_name = "Queue"

    def ready(self) -> None:
        from backends.queue import app  # noqa: F401, PLC0415 - the import makes it the default; it needs the loaded settings
        from scheduling.apps import SchedulingConfig  # noqa: PLC0415 - Django takes a configuration in a module as its own

        # Without the jobs of `scheduling`, as in a beat, there is nothing that these could be registered beside.
        if settings.TANDEM_CELERY_JOBS and isinstance(apps.get_app_config("tandem_scheduling"), SchedulingConfig):
            from backends.queue.celery_jobs import register  # noqa: PLC0415 - it imports models, which are loaded by now

            register()
