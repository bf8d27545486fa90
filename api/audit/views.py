"""`/api/audit/`: who changed what."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.mixins import ListModelMixin
from rest_framework.viewsets import GenericViewSet

from api.audit.filters import AuditFilter
from api.audit.serializers import AuditOutput
from api.owned import OwnedRows
from scheduling import queries
from scheduling.models import AuditEntry
from scheduling.roles import Role


@extend_schema(tags=["audit"])
@extend_schema_view(
    list=extend_schema(
        summary="List what was changed, newest first",
        description="Entries are only added. `?after=NUMBER` lists what was added since; numbers are the event log's.",
        responses=AuditOutput(many=True),
    )
)
class AuditViewSet(OwnedRows, ListModelMixin, GenericViewSet[AuditEntry]):
    """Every change of a schedule, a task, a workflow, a token or a binding that somebody asked for."""

    rows = staticmethod(queries.audit_entries)
    serializer_class = AuditOutput
    filterset_class = AuditFilter
    roles = {"list": Role.ADMIN}
