"""`/api/secrets/`: which secrets are there? Their names only: no address reads a value back."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.fields import Instant, StrictSerializer, Text
from api.owned import ActorOutput
from api.permissions import Scope
from api.writing import write
from scheduling import clock, secret_changes, secret_values
from scheduling.errors import InvalidRequest, Problem
from scheduling.models import StoredSecret
from scheduling.roles import Role


class SecretOutput(serializers.Serializer[Any]):
    """A secret that parameters may name as `{"$secret": "NAME"}`."""

    name = serializers.CharField()
    stored = serializers.BooleanField(help_text="Whether the database keeps it. A variable or file comes first.")
    changed_at = Instant(allow_null=True, help_text="When its stored value was set.")
    changed_by = ActorOutput(allow_null=True, help_text="Who set it.")


class SecretInput(StrictSerializer):
    """The value of a secret."""

    value = Text(
        min_length=secret_values.SHORTEST,
        max_length=secret_values.MOST_BYTES,
        trim_whitespace=False,
        write_only=True,
        help_text="It is stored encrypted, and never shown.",
    )


class DeletedSecretOutput(serializers.Serializer[Any]):
    """The schedules that still name a secret that was deleted."""

    used_by = serializers.ListField(child=serializers.IntegerField())


@extend_schema(tags=["secrets"])
class SecretsView(APIView):
    """The names of the secrets that the web process knows."""

    roles = {"": Role.ADMIN}
    scopes = {"": Scope.ADMIN}

    @extend_schema(operation_id="secrets_list", summary="List the names of secrets", responses=SecretOutput(many=True))
    def get(self, _request: Request) -> Response:
        """By name. A value is never shown."""
        rows = {row.name: row for row in StoredSecret.objects.select_related("changed_by")}
        names = sorted({*secret_values.names(), *rows})
        shown: Any = [_shown(name, rows.get(name)) for name in names]  # the stubs do not know the argument `many`
        return Response(SecretOutput(shown, many=True).data)


@extend_schema(tags=["secrets"])
class SecretView(APIView):
    """One secret of the database."""

    roles = {"": Role.ADMIN}
    scopes = {"": Scope.ADMIN}

    @extend_schema(
        operation_id="secrets_put",
        summary="Store a secret",
        request=SecretInput,
        responses=SecretOutput,
    )
    @write()
    def put(self, request: Request, name: str) -> Response:
        """New, or in place of another value. Jobs that begin from now on get it."""
        asked = SecretInput(data=request.data)
        asked.is_valid(raise_exception=True)
        row = secret_changes.put(name, asked.validated_data["value"], now=clock.now())
        return Response(SecretOutput(_shown(name, row)).data)

    @extend_schema(
        operation_id="secrets_delete",
        summary="Delete a stored secret",
        parameters=[OpenApiParameter("force", bool, description="Also where schedules use it.")],
        responses={200: DeletedSecretOutput},
    )
    @write()
    def delete(self, request: Request, name: str) -> Response:
        """Refused with 409 while schedules use it, unless `force=true`."""
        given = request.query_params.get("force", "false")
        if given not in {"true", "false"}:
            raise InvalidRequest([Problem("force", "invalid_choice", "Write true or false.")])
        using = secret_changes.delete(name, now=clock.now(), force=given == "true")
        return Response(DeletedSecretOutput({"used_by": using}).data)


def _shown(name: str, row: StoredSecret | None) -> dict[str, Any]:
    stored = {"changed_at": row.changed_at, "changed_by": row.changed_by} if row is not None else {}
    return {"name": name, "stored": row is not None, "changed_at": None, "changed_by": None, **stored}
