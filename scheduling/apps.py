"""The domain as a Django application."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class SchedulingConfig(AppConfig):
    """Finds the jobs: our own, and in every installed application the functions marked with @job in a module `jobs`."""

    name = "scheduling"
    label = "tandem_scheduling"
    verbose_name = "Scheduling"

    def ready(self) -> None:
        import_module("scheduling.workflows.start_job")
        autodiscover_modules("jobs")
