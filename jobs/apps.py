"""The jobs that ship, as a Django application."""

from importlib import import_module
from typing import Final

from django.apps import AppConfig

JOB_MODULES: Final = ("jobs.demo", "jobs.files", "jobs.http")


class JobsConfig(AppConfig):
    """Imports the modules below, which registers their jobs."""

    name = "jobs"
    verbose_name = "Jobs"

    def ready(self) -> None:
        for module in JOB_MODULES:
            import_module(module)
