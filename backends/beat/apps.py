"""The backend `beat`: Celery Beat wakes us."""

from django.apps import AppConfig


class BeatConfig(AppConfig):
    """PeriodicTask entries, the scheduler for `celery beat`, and the wake-up task."""

    name = "backends.beat"
    label = "tandem_beat"
    verbose_name = "Beat"
