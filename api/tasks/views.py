"""`/api/tasks/`: ask for tasks, cancel or retry them, and see what happened to them."""

from __future__ import annotations

from functools import partial
from typing import Final

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from api.bodies import read
from api.etags import IF_MATCH, IF_NONE_MATCH, expected, tagged, unless_known
from api.explanations import ExplanationOutput
from api.feed.server_sent import EVENT_STREAM, EventStreamRenderer, after, event_stream, wants_stream
from api.idempotency import Shown
from api.owned import OwnedRows
from api.permissions import Scope
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
from api.writing import write
from scheduling import clock, explain, queries, tasks
from scheduling.events import log as event_log
from scheduling.models import Task

# The delivery of an answer that is stored with what it answers: how it went on, its process could not say.
STORED: Final = "stored"


def task_rows() -> QuerySet[Task]:
    """The tasks that who asks may see, as lists show them."""
    return queries.tasks().prefetch_related("attempts")


def asked_task(task: Task, delivery: str, code: int) -> Response:
    """A task that a request created or queued, and what became of its delivery."""
    is_new = code == status.HTTP_201_CREATED
    location = reverse("task-detail", kwargs={"pk": task.pk}) if is_new else ""
    body = TriggeredOutput(task, context={"delivery": delivery}).data
    return tagged(body, task.events, status=code, location=location)


def stored_task(code: int) -> Shown:
    """The answer about a task that is stored, and not handed over yet."""
    return lambda _request, task: asked_task(task, STORED, code)


def cancelled_task(task: Task) -> Response:
    """The answer to a cancel."""
    return tagged(TaskOutput(task).data, task.events, status=status.HTTP_202_ACCEPTED)


@extend_schema(tags=["tasks"])
@extend_schema_view(list=extend_schema(summary="List tasks, newest first"))
class TaskViewSet(OwnedRows, ReadOnlyModelViewSet[Task]):
    """Every task: one-off, an occurrence of a schedule, or an extra run of a schedule."""

    rows = staticmethod(task_rows)
    serializer_class = TaskOutput
    filterset_class = TaskFilter
    lookup_value_regex = "[0-9]{1,18}"
    scopes = {"create": Scope.RUN, "cancel": Scope.RUN, "retry": Scope.RUN}

    @extend_schema(summary="Get a task", responses={200: TaskOutput, 304: None}, parameters=[IF_NONE_MATCH])
    def retrieve(self, request: Request, *args: str, **kwargs: str) -> Response:
        """The task as it is. The header ETag names its last event."""
        task = self.get_object()
        return unless_known(request, tagged(TaskOutput(task).data, task.events))

    @extend_schema(summary="Create a task", request=TaskInput, responses={201: TriggeredOutput})
    @write(stored_task(status.HTTP_201_CREATED))
    def create(self, request: Request) -> Response:
        """The task runs at once, or at `scheduled_time`. `delivery` is `sent`, or says what the task waits for, and
        that no worker takes its queue.
        """
        now = clock.now()
        members = read(TaskInput(data=request.data), partial(tasks.check, now=now))
        return asked_task(*tasks.create(now=now, **members), status.HTTP_201_CREATED)

    @extend_schema(summary="Cancel a task", request=None, responses={202: TaskOutput}, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"], filterset_class=None)
    @write(lambda _request, task: cancelled_task(task))
    def cancel(self, request: Request, pk: str) -> Response:
        """A waiting task never runs. A running task is asked to stop, and ended if it runs after a grace period."""
        return cancelled_task(tasks.cancel(int(pk), now=clock.now(), version=expected(request)))

    @extend_schema(summary="Retry a task", request=None, responses={202: TriggeredOutput}, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"], filterset_class=None)
    @write(stored_task(status.HTTP_202_ACCEPTED))
    def retry(self, request: Request, pk: str) -> Response:
        """Queues another attempt at a task that is FAILED, CANCELLED, MISSED or SKIPPED. Earlier attempts are kept."""
        task, delivery = tasks.retry(int(pk), now=clock.now(), version=expected(request))
        return asked_task(task, delivery, status.HTTP_202_ACCEPTED)

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

    @extend_schema(summary="Explain why a task has not run", responses=ExplanationOutput)
    @action(detail=True, filterset_class=None)
    def explain(self, request: Request, pk: str) -> Response:
        """What the task waits for: its time, another task, an agent, or a worker that takes its queue."""
        return Response(ExplanationOutput(explain.of_task(self.get_object())).data)

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
        found = event_log.of_task(task.pk, after=after(request) or 0, limit=1000)
        for event in found:
            event.task = task
        return Response(EventOutput(found, many=True).data)
