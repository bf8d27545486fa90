"""`/api/tasks/`: the ledger, read."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from api.tasks.filters import TaskFilter
from api.tasks.serializers import AttemptOutput, EventOutput, StatusOutput, TaskOutput
from scheduling.models import Task


@extend_schema(tags=["tasks"])
@extend_schema_view(
    list=extend_schema(summary="Tasks, newest first"),
    retrieve=extend_schema(summary="One task"),
)
class TaskViewSet(ReadOnlyModelViewSet[Task]):
    """Every task: one-off, by hand, or an occurrence of a schedule."""

    queryset = Task.objects.prefetch_related("attempts")
    serializer_class = TaskOutput
    filterset_class = TaskFilter
    lookup_value_regex = "[0-9]{1,18}"

    @extend_schema(summary="Where the task stands", responses=StatusOutput)
    @action(detail=True)
    def status(self, request: Request, pk: str) -> Response:
        """The present status, with the number of the last event."""
        return Response(StatusOutput(self.get_object()).data)

    @extend_schema(summary="Its attempts, oldest first", responses=AttemptOutput(many=True), filters=False)
    @action(detail=True, pagination_class=None)
    def attempts(self, request: Request, pk: str) -> Response:
        """Each run: when, where, and how it ended."""
        return Response(AttemptOutput(self.get_object().attempts.order_by("number"), many=True).data)

    @extend_schema(summary="Its events, oldest first", responses=EventOutput(many=True), filters=False)
    @action(detail=True, pagination_class=None)
    def events(self, request: Request, pk: str) -> Response:
        """Everything that happened to it, numbered."""
        return Response(EventOutput(self.get_object().event_log.order_by("number")[:1000], many=True).data)
