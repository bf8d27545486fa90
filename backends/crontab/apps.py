"""The backend `crontab` as a Django application."""

from django.apps import AppConfig


class CrontabConfig(AppConfig):
    """Brings the commands `due`, `cron_runner` and `crontab_agent`."""

    name = "backends.crontab"
    label = "tandem_crontab"
    verbose_name = "Crontab backend"
