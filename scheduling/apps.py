"""The domain as a Django application."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class SchedulingConfig(AppConfig):
    """Registers the jobs: our own, and functions marked with @job in the module `jobs` of any installed application."""

    default = True
    name = "scheduling"
    label = "tandem_scheduling"
    verbose_name = "Scheduling"

    def ready(self) -> None:
        import_module("scheduling.workflows.start_job")
        autodiscover_modules("jobs")


class LedgerConfig(AppConfig):
    """The models alone, without jobs: for a process that runs none, and is asked for none."""

    name = "scheduling"
    label = "tandem_scheduling"
