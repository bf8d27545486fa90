"""`/api/backends/`: health, drift and sync."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from api.backends.serializers import BackendOutput, DriftOutput, SyncInput
from api.bodies import read
from api.writing import asks_dry_run, write
from scheduling import drift
from scheduling.backend import SchedulerBackend, all_backends, backend
from scheduling.roles import Role


@extend_schema(tags=["backends"])
class BackendViewSet(ViewSet):
    """The backends: the schedulers that wake Tandem at the times of its schedules."""

    lookup_field = "name"
    lookup_value_regex = "[a-z0-9_-]+"
    roles = {"sync": Role.ADMIN}

    @extend_schema(summary="Every backend and its health", responses=BackendOutput(many=True))
    def list(self, request: Request) -> Response:
        """All backends, in the order of the setting TANDEM_BACKENDS."""
        return Response([_shown(each) for each in all_backends()])

    @extend_schema(summary="One backend and its health", responses=BackendOutput)
    def retrieve(self, request: Request, name: str) -> Response:
        """The capabilities of the backend, and its health."""
        return Response(_shown(backend(name)))

    @extend_schema(summary="Show the drift of a backend", responses=DriftOutput)
    @action(detail=True)
    def drift(self, request: Request, name: str) -> Response:
        """Where the native entries differ from the schedules. For the backend `crontab` this covers only the host that
        answers.
        """
        return Response(_drift(drift.find(backend(name)), applied=False))

    @extend_schema(summary="Repair the drift of a backend", request=SyncInput, responses=DriftOutput)
    @action(detail=True, methods=["post"])
    @write()
    def sync(self, request: Request, name: str) -> Response:
        """With `apply` true, the native entries are changed to fit the schedules. Otherwise the drift is only shown."""
        apply = bool(read(SyncInput(data=request.data))["apply"]) and not asks_dry_run(request)
        chosen = backend(name)
        return Response(_drift(drift.sync(chosen) if apply else drift.find(chosen), applied=apply))


def _shown(chosen: SchedulerBackend) -> dict[str, object]:
    can, health = chosen.capabilities, chosen.health()
    return {
        "name": chosen.name,
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
        "differences": [
            {"kind": each.kind, "schedules": list(each.schedule_ids), "wanted": each.wanted, "found": each.found}
            for each in found.differences
        ],
        "applied": applied,
    }
