"""The REST API as a Django application."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Has a folder for each resource. Serializers only check and show values; the services in `scheduling` decide."""

    name = "api"
    label = "tandem_api"
    verbose_name = "API"

    def ready(self) -> None:
        from api.bindings import deletion  # noqa: F401, PLC0415 - the import lets Django ask before it deletes a group
