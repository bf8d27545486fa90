"""`/api/backends/`: health, drift and sync."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from api.backends.serializers import BackendOutput, DriftOutput, SyncInput
from api.roles import Role
from scheduling import drift
from scheduling.backend import SchedulerBackend, all_backends, backend


@extend_schema(tags=["backends"])
class BackendViewSet(ViewSet):
    """The engines whose clocks wake us."""

    lookup_field = "name"
    lookup_value_regex = "[a-z0-9_-]+"
    roles = {"sync": Role.ADMIN}

    @extend_schema(summary="Every backend and its health", responses=BackendOutput(many=True))
    def list(self, request: Request) -> Response:
        """In the order of the settings."""
        return Response([_shown(where) for where in all_backends()])

    @extend_schema(summary="One backend and its health", responses=BackendOutput)
    def retrieve(self, request: Request, name: str) -> Response:
        """What it can hold and how it is."""
        return Response(_shown(backend(name)))

    @extend_schema(summary="How it differs from the schedules", responses=DriftOutput)
    @action(detail=True)
    def drift(self, request: Request, name: str) -> Response:
        """Within reach of the process that answers: for the crontab backend, its own host."""
        return Response(_drift(drift.find(backend(name)), applied=False))

    @extend_schema(summary="Mend the drift", request=SyncInput, responses=DriftOutput)
    @action(detail=True, methods=["post"])
    def sync(self, request: Request, name: str) -> Response:
        """With `apply` the native entries become what the schedules say; without it the plan is shown."""
        asked = SyncInput(data=request.data)
        asked.is_valid(raise_exception=True)
        apply = bool(asked.validated_data["apply"])
        where = backend(name)
        return Response(_drift(drift.sync(where) if apply else drift.find(where), applied=apply))


def _shown(where: SchedulerBackend) -> dict[str, object]:
    can, health = where.capabilities, where.health()
    return {
        "name": where.name,
        "seconds": can.seconds,
        "executors": list(can.executors),
        "per_host": can.per_host,
        "ok": health.ok,
        "detail": health.detail,
    }


def _drift(found: drift.Drift, *, applied: bool) -> dict[str, object]:
    return {
        "missing": [entry.text for entry in found.missing],
        "left_over": [entry.text for entry in found.left_over],
        "applied": applied,
    }
