"""The REST API."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """One folder a resource; serializers decide nothing, the services in `scheduling` do."""

    name = "api"
    label = "tandem_api"
    verbose_name = "API"

    def ready(self) -> None:
        from api import openapi  # noqa: F401, PLC0415 - registers how the token looks in the schema
