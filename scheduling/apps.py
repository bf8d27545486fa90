"""The domain as a Django application."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class SchedulingConfig(AppConfig):
    """Finds the jobs of every installed application: functions marked with @job in a module named `jobs`."""

    name = "scheduling"
    verbose_name = "Scheduling"

    def ready(self) -> None:
        autodiscover_modules("jobs")
