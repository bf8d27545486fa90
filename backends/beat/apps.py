"""The backend `beat` as a Django application."""

from django.apps import AppConfig


class BeatConfig(AppConfig):
    """Brings the PeriodicTask entries, the scheduler for `celery beat`, and the Celery task that wakes us."""

    name = "backends.beat"
    label = "tandem_beat"
    verbose_name = "Beat"
