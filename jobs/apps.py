"""The built-in jobs, as a Django application."""

from importlib import import_module
from typing import Final

from django.apps import AppConfig

JOB_MODULES: Final = (
    "jobs.command",
    "jobs.database",
    "jobs.demo",
    "jobs.email",
    "jobs.files",
    "jobs.http",
    "jobs.report",
    "jobs.xml",
)


class JobsConfig(AppConfig):
    """Imports the modules above and jobs.checks: importing them registers the jobs and the checks of their settings."""

    name = "jobs"
    label = "tandem_jobs"
    verbose_name = "Jobs"

    def ready(self) -> None:
        for module in (*JOB_MODULES, "jobs.checks"):
            import_module(module)
