"""The settings as a Django application, so that `manage.py check` finds their checks."""

from django.apps import AppConfig


class SettingsConfig(AppConfig):
    """Registers settings.checks."""

    name = "settings"
    label = "tandem_settings"
    verbose_name = "Settings"

    def ready(self) -> None:
        from settings import checks  # noqa: F401, PLC0415 - it imports the applications that are being loaded
