"""`/api/schedules/bulk/`: many schedules in one request, done in one transaction, installed with one write."""

from __future__ import annotations

from functools import partial
from typing import Any, Unpack

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from api.bodies import read
from api.bulk import ChosenInput, chosen, made, many, read_each
from api.fields import Instant, StrictSerializer
from api.owned import OwnedRows
from api.schedules.filters import ManySchedulesFilter
from api.schedules.serializers import DeletionOutput, ScheduleInput
from scheduling import bulk, clock, queries
from scheduling.bulk import MOST
from scheduling.drafts import ScheduleFields
from scheduling.models import Schedule, SyncState


class CreateManySchedulesInput(StrictSerializer):
    """The schedules to create, each as for one."""

    schedules = ScheduleInput(many=True, allow_empty=False, max_length=MOST)  # type: ignore[call-arg]  # not in the stubs


class ChangeManyInput(ChosenInput):
    """Which schedules, and what to change of each of them."""

    changes = serializers.JSONField(help_text="As in a PATCH of one schedule; not its key.")


class ScheduleInShort(serializers.Serializer[Schedule]):
    """A schedule after the request: what a program needs to go on."""

    id = serializers.IntegerField(source="pk")
    key = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    paused = serializers.BooleanField()
    backend = serializers.CharField(source="routed_to")
    host = serializers.CharField()
    next_due_at = Instant(allow_null=True)
    sync = serializers.ChoiceField(source="sync_state", choices=SyncState.choices)


class ManySchedulesOutput(serializers.Serializer[Any]):
    """The schedules, in the order of the request; those that filters chose, by id."""

    schedules = ScheduleInShort(many=True)


def shown(_request: Request, found: Any) -> Response:
    """The answer about schedules that were created, or by id what became of those that were changed."""
    if isinstance(found, dict):
        return Response(ManySchedulesOutput({"schedules": [one.schedule for one in found.values()]}).data)
    return made(ManySchedulesOutput({"schedules": found}).data, "schedules")


def deleted(_request: Request, deletion: Any) -> Response:
    """The answer about schedules that were deleted."""
    return Response(DeletionOutput(deletion).data)


@extend_schema(tags=["schedules"], filters=True)
class ScheduleBulkViewSet(OwnedRows, GenericViewSet[Schedule]):
    """Up to 1,000 schedules at once, by a list of ids or by the filters of the list."""

    rows = staticmethod(queries.schedules)
    serializer_class = ManySchedulesOutput
    filterset_class = ManySchedulesFilter
    pagination_class = None

    @many(
        "create",
        "Create many schedules",
        asked=CreateManySchedulesInput,
        answer=ManySchedulesOutput,
        shown=shown,
        filtered=False,
    )
    def create_many(self, request: Request) -> Response:
        """All of them are stored, or none. The faults of all are told at once, each by its place in the list."""
        now = clock.now()
        asked = read_each(request, "schedules", ScheduleInput, partial(bulk.check_all, now=now))
        return shown(request, bulk.create_all(asked, now=now))

    @many("change", "Change many schedules", asked=ChangeManyInput, answer=ManySchedulesOutput, shown=shown)
    def change_many(self, request: Request) -> Response:
        """Each is changed as by a PATCH with these `changes`, or none is."""
        body = read(ChangeManyInput(data=request.data))
        return self._change(request, body, **_changes(body["changes"]))

    @many("pause", "Pause many schedules", asked=ChosenInput, answer=ManySchedulesOutput, shown=shown)
    def pause_many(self, request: Request) -> Response:
        """As for one. One that is paused already stays as it is."""
        return self._change(request, read(ChosenInput(data=request.data)), paused=True)

    @many("resume", "Resume many schedules", asked=ChosenInput, answer=ManySchedulesOutput, shown=shown)
    def resume_many(self, request: Request) -> Response:
        """As for one. One that is not paused stays as it is."""
        return self._change(request, read(ChosenInput(data=request.data)), paused=False)

    @many("delete", "Delete many schedules", asked=ChosenInput, answer=DeletionOutput, shown=deleted)
    def delete_many(self, request: Request) -> Response:
        """As for one. The answer tells what became of the tasks of all of them."""
        which = chosen(request, read(ChosenInput(data=request.data)), self)
        return deleted(request, bulk.delete_all(which, now=clock.now()))

    def _change(self, request: Request, body: dict[str, Any], **fields: Unpack[ScheduleFields]) -> Response:
        return shown(request, bulk.change_all(chosen(request, body, self), now=clock.now(), **fields))


def _changes(given: Any) -> dict[str, Any]:
    asked = ScheduleInput(data=given, partial=True)
    if not asked.is_valid():
        raise serializers.ValidationError({"changes": asked.errors})
    return dict(asked.validated_data)
