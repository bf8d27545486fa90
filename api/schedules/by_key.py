"""`/api/schedules/by-key/`: schedules under names that the client chooses, written as often as it likes."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.bindings.service import owner_named
from api.etags import IF_MATCH_OF_SCHEDULE, IF_NONE_MATCH, expected, unless_known
from api.language import READING
from api.schedules.answers import asked, changed, created, shown
from api.schedules.serializers import AnsweredSchedule, DeletionOutput, ScheduleInput, ScheduleOutput
from api.writing import write
from scheduling import caller, clock, keys, owners, queries, schedules
from scheduling.errors import InvalidRequest, NotFound, Problem, StaleVersion
from scheduling.models import Schedule
from scheduling.review.advice import runs_in_a_year

_ONLY_NEW: Final = OpenApiParameter(
    "If-None-Match", str, OpenApiParameter.HEADER, enum=["*"], description="Only create: 412 if there is one already."
)
_OF_OWNER: Final = OpenApiParameter(
    "owner", str, description="Whose schedule: yours if not given, where you are bound to one owner; else nobody's."
)


@extend_schema(tags=["schedules"])
class ByKeyView(APIView):
    """A schedule by its key."""

    for_bound = True

    @extend_schema(
        operation_id="schedules_by_key_get",
        summary="Get a schedule by its key",
        responses={200: ScheduleOutput, 304: None},
        parameters=[IF_NONE_MATCH, _OF_OWNER, *READING[:1]],
    )
    def get(self, request: Request, key: str) -> Response:
        """The same answer as by its id. A key is looked up among the schedules of one owner."""
        return unless_known(request, shown(request, _found(request, key)))

    @extend_schema(
        operation_id="schedules_by_key_put",
        summary="Create or replace a schedule by its key",
        request=ScheduleInput,
        responses={200: AnsweredSchedule, 201: AnsweredSchedule},
        parameters=[IF_MATCH_OF_SCHEDULE, _ONLY_NEW, _OF_OWNER, *READING[:1]],
    )
    @write()
    def put(self, request: Request, key: str) -> Response:
        """201 if there was no schedule with this key, else 200. Members that are not given get their default values,
        and the same body again changes nothing. With `If-Match` it only replaces, with `If-None-Match: *` it only
        creates.
        """
        owner = _owner(request)
        found = queries.schedule_by_key(key, owner=owner)
        version = _version(request, found)
        members = asked(request, found.pk if found else None)
        if members.setdefault("owner", owner) != owner:
            raise InvalidRequest([Problem("owner", "not_the_owner", "Write the owner of the address: `?owner=`.")])
        if members.setdefault("key", key) != key or not keys.is_key(key):
            raise InvalidRequest([Problem("key", "not_a_key", f"Write the key of the address. {keys.WHAT_TO_WRITE}")])
        before = runs_in_a_year(found, now=clock.now()) if found else None
        schedule, is_new = _put(request, found, version, members)
        return created(request, schedule) if is_new else changed(request, schedule, before=before)

    @extend_schema(
        operation_id="schedules_by_key_delete",
        summary="Delete a schedule by its key",
        responses={200: DeletionOutput},
        parameters=[IF_MATCH_OF_SCHEDULE, _OF_OWNER],
    )
    @write()
    def delete(self, request: Request, key: str) -> Response:
        """As by its id. The key is free again."""
        version = expected(request, required=True)
        deletion = schedules.delete(_found(request, key).pk, now=clock.now(), version=version)
        return Response(DeletionOutput(deletion).data)


def _owner(request: Request) -> int | None:
    """Whose schedules have the key: `?owner=`, else the only owner that who asks is bound to, else nobody.

    Raises InvalidRequest for an owner that may not be seen, and where who is bound to several names none.
    """
    name = request.query_params.get("owner")
    owner = int(owner_named(name, caller.access()).pk) if name else owners.usual()
    owners.check(owner)
    return owner


def _found(request: Request, key: str) -> Schedule:
    found = queries.schedule_by_key(key, owner=_owner(request))
    if found is None:
        raise NotFound("There is no schedule with this key.")
    return found


def _only_new(request: Request) -> bool:
    return request.headers.get("If-None-Match", "").strip() == "*"


def _version(request: Request, found: Schedule | None) -> frozenset[int] | None:
    """The versions in If-Match. Raises StaleVersion where there is no schedule to match, or one and none is wanted."""
    if found is not None and _only_new(request):
        raise StaleVersion("There is a schedule with this key already.")
    if found is None and "If-Match" in request.headers:
        raise StaleVersion("There is no schedule with this key.")
    return expected(request, required=found is not None)


def _put(
    request: Request, found: Schedule | None, version: frozenset[int] | None, members: dict[str, Any]
) -> tuple[Schedule, bool]:
    now = clock.now()
    if found is None and _only_new(request):
        return schedules.create(now=now, **members), True
    if "If-Match" in request.headers and found is not None:
        return schedules.replace(found.pk, now=now, version=version, **members), False
    return schedules.put(members.pop("key"), now=now, version=version, **members)
