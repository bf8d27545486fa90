"""`/api/secrets/`: which secrets are there? Their names only: no address reads a value back."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.roles import Scope
from scheduling import secret_values
from scheduling.roles import Role


class SecretOutput(serializers.Serializer[object]):
    """A secret that parameters may name as `{"$secret": "NAME"}`."""

    name = serializers.CharField()


@extend_schema(tags=["secrets"])
class SecretsView(APIView):
    """The names of the secrets that the web process knows."""

    roles = {"": Role.ADMIN}
    scopes = {"": Scope.ADMIN}

    @extend_schema(operation_id="secrets_list", summary="List the names of secrets", responses=SecretOutput(many=True))
    def get(self, _request: Request) -> Response:
        """By name. Where a value comes from, and what it is, is never shown."""
        return Response([{"name": name} for name in secret_values.names()])
