"""`/api/schedules/`: ask for schedules, change them, and see their occurrences and tasks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from api.bodies import read
from api.bulk import rows_chosen
from api.drift.filters import DriftFilter
from api.drift.serializers import DriftRecordOutput
from api.etags import IF_MATCH_OF_SCHEDULE, IF_NONE_MATCH, expected, unless_known
from api.explanations import ExplanationOutput
from api.language import READING, in_language, language_of
from api.owned import OwnedRows
from api.permissions import Scope
from api.schedules.answers import asked, change, changed, created, shown
from api.schedules.filters import ManySchedulesFilter, ScheduleFilter
from api.schedules.moves import MovedManyOutput, MoveManyInput
from api.schedules.preview import PreviewOutput, PreviewWindow
from api.schedules.serializers import (
    AnsweredSchedule,
    BackfillInput,
    ChosenOutput,
    DeletionOutput,
    MoveInput,
    ScheduledOccurrence,
    ScheduleInput,
    ScheduleOutput,
    SkipInput,
    Window,
)
from api.tasks.filters import TaskFilter
from api.tasks.serializers import TaskOutput, TriggeredOutput
from api.tasks.views import asked_task, stored_task, task_rows
from api.writing import asks_dry_run, write
from scheduling import bulk, clock, explain, queries, schedules, skip_and_backfill
from scheduling.models import DriftRecord, Schedule
from scheduling.review.preview import preview as preview_change
from scheduling.roles import Role

_LANGUAGE = READING[:1]
_LOOK = [IF_NONE_MATCH, *_LANGUAGE]
_CHANGE = [IF_MATCH_OF_SCHEDULE, *_LANGUAGE]


def chosen(_request: Request, found: list[datetime]) -> Response:
    """The answer about occurrences that are left out, or run."""
    return Response(ChosenOutput({"occurrences": found}).data)


@extend_schema(tags=["schedules"])
class ScheduleViewSet(OwnedRows, ListModelMixin, GenericViewSet[Schedule]):
    """Jobs that recur: trigger, time zone, policies, backend."""

    rows = staticmethod(queries.schedules)
    serializer_class = ScheduleOutput
    filterset_class = ScheduleFilter
    lookup_value_regex = "[0-9]{1,18}"
    roles = {"preview": Role.VIEWER}
    scopes = {"trigger": Scope.RUN, "backfill": Scope.RUN}

    @extend_schema(summary="List schedules, newest first", responses=ScheduleOutput(many=True), parameters=_LANGUAGE)
    def list(self, request: Request) -> Response:
        """Each with its trigger in plain words, in the language of the answer."""
        language = language_of(request)
        return in_language(super().list(request), language)

    def get_serializer_context(self) -> dict[str, Any]:
        """The lists and pages of schedules are written in the language of the request."""
        return {**super().get_serializer_context(), "language": language_of(self.request)}

    @extend_schema(
        summary="Create a schedule", request=ScheduleInput, responses={201: AnsweredSchedule}, parameters=_LANGUAGE
    )
    @write(created)
    def create(self, request: Request) -> Response:
        """The schedule is stored, routed to a backend and installed there. The answer has the trigger in plain words,
        the next occurrences, and the reason for the routing.
        """
        return created(request, schedules.create(now=clock.now(), **asked(request)))

    @extend_schema(summary="Get a schedule", responses={200: ScheduleOutput, 304: None}, parameters=_LOOK)
    def retrieve(self, request: Request, pk: str) -> Response:
        """The current version of the schedule. The header ETag names it."""
        return unless_known(request, shown(request, queries.schedule(int(pk))))

    @extend_schema(
        summary="Change a schedule",
        request=ScheduleInput,
        responses=AnsweredSchedule,
        parameters=_CHANGE,
    )
    @write()
    def partial_update(self, request: Request, pk: str) -> Response:
        """Members that are not given keep their values. `every` replaces `cron`, and `cron` replaces `every`."""
        version, members = _version(request), asked(request, int(pk), partial=True)
        return change(request, int(pk), lambda: schedules.update(int(pk), now=clock.now(), version=version, **members))

    @extend_schema(
        summary="Replace a schedule",
        request=ScheduleInput,
        responses=AnsweredSchedule,
        parameters=_CHANGE,
    )
    @write()
    def update(self, request: Request, pk: str) -> Response:
        """Members that are not given get their default values."""
        version, members = _version(request), asked(request, int(pk))
        return change(request, int(pk), lambda: schedules.replace(int(pk), now=clock.now(), version=version, **members))

    @extend_schema(summary="Delete a schedule", responses={200: DeletionOutput}, parameters=[IF_MATCH_OF_SCHEDULE])
    @write()
    def destroy(self, request: Request, pk: str) -> Response:
        """Its native entries are removed, its waiting tasks are cancelled. Its history stays: `tasks/?schedule=ID`."""
        deletion = schedules.delete(int(pk), now=clock.now(), version=_version(request))
        return Response(DeletionOutput(deletion).data)

    @extend_schema(summary="Pause a schedule", request=None, responses=AnsweredSchedule, parameters=_CHANGE)
    @action(detail=True, methods=["post"])
    @write(changed)
    def pause(self, request: Request, pk: str) -> Response:
        """No occurrence is due until the schedule is resumed. Occurrences during the pause are not caught up later."""
        return change(request, int(pk), lambda: schedules.pause(int(pk), now=clock.now(), version=_version(request)))

    @extend_schema(summary="Resume a schedule", request=None, responses=AnsweredSchedule, parameters=_CHANGE)
    @action(detail=True, methods=["post"])
    @write(changed)
    def resume(self, request: Request, pk: str) -> Response:
        """The next occurrence is the first one after now."""
        return change(request, int(pk), lambda: schedules.resume(int(pk), now=clock.now(), version=_version(request)))

    @extend_schema(summary="Move a schedule", request=MoveInput, responses=AnsweredSchedule, parameters=_CHANGE)
    @action(detail=True, methods=["post"])
    @write(changed)
    def move(self, request: Request, pk: str) -> Response:
        """The schedule is installed on the new backend first, then removed from the old one. Each occurrence during the
        move becomes exactly one task.
        """
        to = read(MoveInput(data=request.data))["backend"]
        return change(
            request, int(pk), lambda: schedules.move(int(pk), to=to, now=clock.now(), version=_version(request))
        )

    @extend_schema(
        operation_id="schedules_move_many",
        summary="Move many schedules",
        request=MoveManyInput,
        responses=MovedManyOutput,
        filters=True,
    )
    @action(
        detail=False,
        methods=["post"],
        url_path="move",
        url_name="move-many",
        pagination_class=None,
        filterset_class=ManySchedulesFilter,
    )
    @write()
    def move_many(self, request: Request) -> Response:
        """Those in `ids`, else all that match the filters of the list: at most 1,000. With `dry_run` (the default)
        nothing is stored. Each schedule has its own answer; the engines are written once, when all are stored.
        """
        wanted = read(MoveManyInput(data=request.data))
        dry_run = wanted["dry_run"] or asks_dry_run(request)
        rows = rows_chosen(request, wanted, self)
        moved = bulk.move(rows, to=wanted["backend"], host=wanted["host"], dry_run=dry_run, now=clock.now())
        return Response(MovedManyOutput({"dry_run": dry_run, "schedules": moved}).data)

    @extend_schema(
        summary="Preview a change of a schedule",
        request=ScheduleInput(partial=True),
        responses=PreviewOutput,
        parameters=[
            *_LANGUAGE,
            OpenApiParameter("days", int, description="How many days: 1 to 366; 7 if not given."),
        ],
    )
    @action(detail=True, methods=["post"])
    def preview(self, request: Request, pk: str) -> Response:
        """Shows what a PATCH with the same body would do; for a move write `{"backend": ...}`. Nothing is stored or
        installed.
        """
        given = request.query_params.get("days", "7")
        window = read(PreviewWindow(data={"days": int(given) if given.isdecimal() and len(given) < 4 else given}))
        members = asked(request, int(pk), partial=True)
        language = language_of(request)
        found = preview_change(int(pk), days=window["days"], language=language, now=clock.now(), **members)
        return in_language(Response(PreviewOutput(found, context={"language": language}).data), language)

    @extend_schema(summary="Explain why a schedule has not run", responses=ExplanationOutput)
    @action(detail=True, filterset_class=None)
    def explain(self, request: Request, pk: str) -> Response:
        """What keeps the schedule from running: a pause, its end, its entries, its host or Beat, an open task."""
        found = explain.of_schedule(queries.schedule(int(pk)), now=clock.now())
        return Response(ExplanationOutput(found).data)

    @extend_schema(summary="Skip the next occurrences of a schedule", request=SkipInput, responses=ChosenOutput)
    @action(detail=True, methods=["post"])
    @write(chosen)
    def skip(self, request: Request, pk: str) -> Response:
        """Each gets its row now, SKIPPED, and does not run when it is due. `?dry_run=true` shows which."""
        count = read(SkipInput(data=request.data))["count"]
        return chosen(request, skip_and_backfill.skip(int(pk), count, now=clock.now()))

    @extend_schema(summary="Run past occurrences of a schedule", request=BackfillInput, responses=ChosenOutput)
    @action(detail=True, methods=["post"])
    @write(chosen)
    def backfill(self, request: Request, pk: str) -> Response:
        """Those without a row get one and run, one after the other; at once with overlap `allow`. At most 1,000 at a
        time. `?dry_run=true` shows which.
        """
        asked = read(BackfillInput(data=request.data))
        found = skip_and_backfill.backfill(int(pk), start=asked["from"], end=asked["to"], now=clock.now())
        return chosen(request, found)

    @extend_schema(summary="Run a schedule once, now", request=None, responses={202: TriggeredOutput})
    @action(detail=True, methods=["post"])
    @write(stored_task(status.HTTP_202_ACCEPTED), makes=True)
    def trigger(self, request: Request, pk: str) -> Response:
        """Creates an extra task of the schedule. `delivery` is `sent`, or says what the task waits for, and that no
        worker takes its queue.
        """
        task, delivery = schedules.trigger(int(pk), now=clock.now())
        return asked_task(task, delivery, status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="List the occurrences of a schedule, past and future",
        parameters=[
            OpenApiParameter("from", OpenApiTypes.DATETIME),
            OpenApiParameter("to", OpenApiTypes.DATETIME),
        ],
        responses=ScheduledOccurrence(many=True),
        filters=False,
    )
    @action(detail=True, pagination_class=None)
    def occurrences(self, request: Request, pk: str) -> Response:
        """At most 1,000 occurrences from `from` (if not given, one day ago) to `to` (if not given, in one week)."""
        now = clock.now()
        window = read(Window(data=request.query_params.dict()))
        start, end = window.get("from", now - timedelta(days=1)), window.get("to", now + timedelta(days=7))
        found = queries.occurrences(queries.schedule(int(pk)), start=start, end=end)
        return Response(ScheduledOccurrence(found, many=True).data)

    @extend_schema(summary="List the tasks of a schedule, newest first", responses=TaskOutput(many=True))
    @action(detail=True, rows=task_rows, filterset_class=TaskFilter, serializer_class=TaskOutput)
    def tasks(self, request: Request, pk: str) -> Response:
        """All tasks of this schedule, including occurrences that its policies did not run."""
        tasks: Any = self.get_queryset()
        rows = tasks.filter(schedule=queries.schedule(int(pk)))
        page: Any = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(summary="List the drift of a schedule, newest first", responses=DriftRecordOutput(many=True))
    @action(detail=True, rows=DriftRecord.objects.all, filterset_class=DriftFilter)
    def drift(self, request: Request, pk: str) -> Response:
        """What differed between its native entries and the schedule, and when that was mended."""
        rows: Any = queries.drift_of(queries.schedule(int(pk)))
        page: Any = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response(DriftRecordOutput(page, many=True).data)


def _version(request: Request) -> frozenset[int] | None:
    return expected(request, required=True)
