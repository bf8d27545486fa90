"""`/api/drift/`: the log of differences between the engines and the schedules."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.mixins import ListModelMixin
from rest_framework.viewsets import GenericViewSet

from api.drift.filters import DriftFilter
from api.drift.serializers import DriftRecordOutput
from scheduling.models import DriftRecord


@extend_schema(tags=["drift"])
@extend_schema_view(
    list=extend_schema(
        summary="List differences, newest first",
        description="Each has the `number` of its last change. `?after=NUMBER` lists what was noticed or mended since.",
        responses=DriftRecordOutput(many=True),
    )
)
class DriftViewSet(ListModelMixin, GenericViewSet[DriftRecord]):
    """What differed between Beat's rows, or the lines of a crontab, and the schedules."""

    queryset = DriftRecord.objects.prefetch_related("concerned")
    serializer_class = DriftRecordOutput
    filterset_class = DriftFilter
