"""`/api/schedules/`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from api.reading import READING, language_of
from api.roles import Role
from api.schedules.filters import ScheduleFilter
from api.schedules.preview import PreviewOutput, PreviewWindow
from api.schedules.serializers import DeletionOutput, Move, ScheduledOccurrence, ScheduleInput, ScheduleOutput, Window
from api.tasks.filters import TaskFilter
from api.tasks.serializers import TaskOutput, TriggeredOutput
from scheduling import queries, schedules
from scheduling.errors import InvalidRequest, Problem
from scheduling.models import Schedule, Task
from scheduling.review.preview import preview as seen_beforehand

IF_MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag of the version this change is meant for."
)


@extend_schema(tags=["schedules"])
@extend_schema_view(list=extend_schema(summary="Schedules, newest first", responses=ScheduleOutput(many=True)))
class ScheduleViewSet(ListModelMixin, GenericViewSet[Schedule]):
    """Jobs that recur: trigger, time zone, policies, backend."""

    queryset = Schedule.objects.all()
    serializer_class = ScheduleOutput
    filterset_class = ScheduleFilter
    lookup_value_regex = "[0-9]{1,18}"
    roles = {"preview": Role.VIEWER}

    @extend_schema(summary="Ask for a schedule", request=ScheduleInput, responses={201: ScheduleOutput})
    def create(self, request: Request) -> Response:
        """Stored, routed to a backend and installed there; the answer says how it reads, what comes next, and why
        there.
        """
        asked = _read(ScheduleInput(data=request.data))
        return _shown(schedules.create(now=timezone.now(), **asked), status.HTTP_201_CREATED)

    @extend_schema(summary="One schedule", responses=ScheduleOutput)
    def retrieve(self, request: Request, pk: str) -> Response:
        """The schedule as it stands; its ETag names the version."""
        return _shown(queries.schedule(int(pk)))

    @extend_schema(summary="Change some of it", request=ScheduleInput, responses=ScheduleOutput, parameters=[IF_MATCH])
    def partial_update(self, request: Request, pk: str) -> Response:
        """What is not named stays. Naming `every` takes `cron` away, and the other way round."""
        asked = _read(ScheduleInput(data=request.data, partial=True))
        return _shown(schedules.update(int(pk), now=timezone.now(), version=_version(request), **asked))

    @extend_schema(summary="Replace it", request=ScheduleInput, responses=ScheduleOutput, parameters=[IF_MATCH])
    def update(self, request: Request, pk: str) -> Response:
        """What is not named goes back to its default."""
        asked = _read(ScheduleInput(data=request.data))
        return _shown(schedules.replace(int(pk), now=timezone.now(), version=_version(request), **asked))

    @extend_schema(summary="Delete it", responses={200: DeletionOutput}, parameters=[IF_MATCH])
    def destroy(self, request: Request, pk: str) -> Response:
        """Its native entries go and its waiting tasks are cancelled. Its history stays: `tasks/?schedule=` its id."""
        deletion = schedules.delete(int(pk), now=timezone.now(), version=_version(request))
        return Response(DeletionOutput(deletion).data)

    @extend_schema(summary="Pause it", request=None, responses=ScheduleOutput, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, pk: str) -> Response:
        """Nothing is due until it is resumed, and nothing of the pause is caught up."""
        return _shown(schedules.pause(int(pk), now=timezone.now(), version=_version(request)))

    @extend_schema(summary="Resume it", request=None, responses=ScheduleOutput, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """It goes on with the first occurrence after now."""
        return _shown(schedules.resume(int(pk), now=timezone.now(), version=_version(request)))

    @extend_schema(summary="Move it to another backend", request=Move, responses=ScheduleOutput, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: str) -> Response:
        """Installed there first, removed here after; every occurrence meanwhile becomes one task."""
        to = _read(Move(data=request.data))["backend"]
        return _shown(schedules.move(int(pk), to=to, now=timezone.now(), version=_version(request)))

    @extend_schema(
        summary="See what a change would do",
        request=ScheduleInput,
        responses=PreviewOutput,
        parameters=[*READING[:1], OpenApiParameter("days", int, description="How far to look: 7 days; at most 366.")],
    )
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, pk: str) -> Response:
        """The body is that of a PATCH (a move is `{"backend": ...}`). Nothing is stored and nothing installed."""
        given = request.query_params.get("days", "7")
        window = _read(PreviewWindow(data={"days": int(given) if given.isdecimal() and len(given) < 4 else given}))
        asked = _read(ScheduleInput(data=request.data, partial=True))
        named = {"days": window["days"], "language": language_of(request), "now": timezone.now()}
        found = seen_beforehand(int(pk), **named, **asked)
        return Response(PreviewOutput(found).data)

    @extend_schema(summary="Run it once, now", request=None, responses={202: TriggeredOutput})
    @action(detail=True, methods=["post"])
    def trigger(self, request: Request, pk: str) -> Response:
        """A task beside its occurrences. `delivery` says whether it is on its way, or what it waits for."""
        task, waits_for = schedules.trigger(int(pk), now=timezone.now())
        body = TriggeredOutput(task, context={"delivery": waits_for or "sent"}).data
        return Response(body, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Its occurrences, past and future",
        parameters=[
            OpenApiParameter("from", OpenApiTypes.DATETIME),
            OpenApiParameter("to", OpenApiTypes.DATETIME),
        ],
        responses=ScheduledOccurrence(many=True),
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def occurrences(self, request: Request, pk: str) -> Response:
        """From `from` to `to` (a day back to a week ahead when not given), at most 1,000."""
        now = timezone.now()
        window = _read(Window(data=request.query_params.dict()))
        start, end = window.get("from", now - timedelta(days=1)), window.get("to", now + timedelta(days=7))
        found = queries.occurrences(queries.schedule(int(pk)), start=start, end=end)
        return Response(ScheduledOccurrence(found, many=True).data)

    @extend_schema(summary="Its tasks, newest first", responses=TaskOutput(many=True))
    @action(detail=True, queryset=Task.objects.prefetch_related("attempts"), filterset_class=TaskFilter)
    def tasks(self, request: Request, pk: str) -> Response:
        """The ledger's rows of this schedule, those included that policy did not run."""
        tasks: Any = self.get_queryset()
        rows = tasks.filter(schedule=queries.schedule(int(pk)))
        page: Any = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response(TaskOutput(page, many=True).data)


def _read(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _shown(schedule: Schedule, code: int = status.HTTP_200_OK) -> Response:
    return Response(ScheduleOutput(schedule).data, status=code, headers={"ETag": f'"{schedule.version}"'})


def _version(request: Request) -> int | None:
    """The version in If-Match (RFC 9110); None where any will do."""
    given = request.headers.get("If-Match", "*").strip()
    if given == "*":
        return None
    found = re.fullmatch(r'(?:W/)?"([0-9]{1,9})"', given)
    if found is None:
        raise InvalidRequest([Problem("", "if_match", "If-Match: write the ETag you were given, with its quotes.")])
    return int(found.group(1))
