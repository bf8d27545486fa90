"""`/api/lateness/`: how late what was due was handed over."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.bodies import read
from api.lateness.serializers import LatenessInput, LatenessOutput
from api.period import period, shares
from scheduling import lateness_log
from scheduling.lateness import BOUNDS
from scheduling.roles import Role


class LatenessView(APIView):
    """The histogram of lateness. Stores nothing."""

    action = "lateness"
    roles = {"lateness": Role.VIEWER}

    @extend_schema(
        operation_id="lateness_get",
        tags=["lateness"],
        summary="Show how late occurrences were",
        parameters=[LatenessInput],
        responses=LatenessOutput,
        filters=False,
    )
    def get(self, request: Request) -> Response:
        """The time from when an occurrence was due until its task was handed over to the broker, or began in a process
        of its host, by whole hours. What a catch-up ran counts from when it was due. Other tasks do not count.
        """
        asked = read(LatenessInput(data=request.query_params.dict()))
        since, until = period(asked)
        found = lateness_log.between(since, until, backend=asked.get("backend", ""))
        buckets = zip([*BOUNDS, None], found.counts, strict=True)
        shown = {
            "from": since,
            "to": until,
            **shares(found),
            "buckets": [{"at_most": bound, "count": count} for bound, count in buckets],
        }
        return Response(LatenessOutput(shown).data)
