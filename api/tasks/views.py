"""`/api/tasks/`: ask for tasks, cancel or retry them, and see what happened to them."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from api.feed.server_sent import EVENT_STREAM, EventStreamRenderer, after, event_stream, wants_stream
from api.roles import Scope
from api.tasks.filters import TaskFilter
from api.tasks.serializers import (
    AttemptOutput,
    EventOutput,
    LogLineOutput,
    StatusOutput,
    TaskInput,
    TaskOutput,
    TriggeredOutput,
)
from scheduling import clock, tasks
from scheduling.events import log as event_log
from scheduling.models import Task


@extend_schema(tags=["tasks"])
@extend_schema_view(
    list=extend_schema(summary="List tasks, newest first"),
    retrieve=extend_schema(summary="Get a task"),
)
class TaskViewSet(ReadOnlyModelViewSet[Task]):
    """Every task: one-off, an occurrence of a schedule, or an extra run of a schedule."""

    queryset = Task.objects.prefetch_related("attempts")
    serializer_class = TaskOutput
    filterset_class = TaskFilter
    lookup_value_regex = "[0-9]{1,18}"
    scopes = {"create": Scope.RUN, "cancel": Scope.RUN, "retry": Scope.RUN}

    @extend_schema(summary="Create a task", request=TaskInput, responses={201: TriggeredOutput})
    def create(self, request: Request) -> Response:
        """The task runs at once, or at `scheduled_time`. `delivery` is `sent`, or says what the task waits for, and
        that no worker takes its queue.
        """
        asked = TaskInput(data=request.data)
        asked.is_valid(raise_exception=True)
        return _asked(*tasks.create(now=clock.now(), **asked.validated_data), status.HTTP_201_CREATED)

    @extend_schema(summary="Cancel a task", request=None, responses={202: TaskOutput})
    @action(detail=True, methods=["post"], filterset_class=None)
    def cancel(self, request: Request, pk: str) -> Response:
        """A waiting task never runs. A running task is asked to stop, and ended if it runs after a grace period."""
        return Response(TaskOutput(tasks.cancel(int(pk), now=clock.now())).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Retry a task", request=None, responses={202: TriggeredOutput})
    @action(detail=True, methods=["post"], filterset_class=None)
    def retry(self, request: Request, pk: str) -> Response:
        """Queues another attempt at a task that is FAILED, CANCELLED, MISSED or SKIPPED. Earlier attempts are kept."""
        return _asked(*tasks.retry(int(pk), now=clock.now()), status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Get the log of a task", responses=LogLineOutput(many=True), filters=False)
    @action(detail=True, pagination_class=None)
    def log(self, request: Request, pk: str) -> Response:
        """What the job logged in all attempts, oldest first. Of each attempt the first 1,000 lines are kept."""
        return Response(LogLineOutput(self.get_object().lines.order_by("pk"), many=True).data)

    @extend_schema(summary="Get the status of a task", responses=StatusOutput)
    @action(detail=True, url_path="status")
    def standing(self, request: Request, pk: str) -> Response:
        """The current status, with the number of the last event."""
        return Response(StatusOutput(self.get_object()).data)

    @extend_schema(summary="List a task's attempts, oldest first", responses=AttemptOutput(many=True), filters=False)
    @action(detail=True, pagination_class=None)
    def attempts(self, request: Request, pk: str) -> Response:
        """Each attempt: when and where it ran, and how it ended."""
        return Response(AttemptOutput(self.get_object().attempts.order_by("number"), many=True).data)

    @extend_schema(
        summary="List a task's events, oldest first",
        parameters=[
            OpenApiParameter("after", int, description="Only events above this number."),
            OpenApiParameter("Last-Event-ID", int, OpenApiParameter.HEADER, description="As `after`, for a stream."),
        ],
        responses={(200, "application/json"): EventOutput(many=True), (200, EVENT_STREAM): str},
        filters=False,
    )
    @action(
        detail=True,
        pagination_class=None,
        filterset_class=None,
        renderer_classes=[JSONRenderer, EventStreamRenderer],
    )
    def events(self, request: Request, pk: str) -> Response | StreamingHttpResponse:
        """Everything that happened to the task, numbered: at most 1,000 events in one answer. With
        `Accept: text/event-stream` a live stream without end.
        """
        task = self.get_object()
        if wants_stream(request):
            return event_stream(request, task.pk)
        return Response(EventOutput(event_log.of_task(task.pk, after=after(request) or 0, limit=1000), many=True).data)


def _asked(task: Task, delivery: str, code: int) -> Response:
    return Response(TriggeredOutput(task, context={"delivery": delivery}).data, status=code)
