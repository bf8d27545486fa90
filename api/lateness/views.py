"""`/api/lateness/`: how late what was due was handed over."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.lateness.serializers import LatenessInput, LatenessOutput
from scheduling import lateness_log
from scheduling.lateness import BOUNDS
from scheduling.roles import Role

# The time that is shown where none is asked for.
SHOWN: Final = timedelta(days=1)


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
        asked = LatenessInput(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        until = asked.validated_data.get("to", timezone.now())
        since = asked.validated_data.get("from", until - SHOWN)
        found = lateness_log.between(since, until, backend=asked.validated_data.get("backend", ""))
        shown = {
            "from": since,
            "to": until,
            "count": found.total,
            **{name: found.at_most(share) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))},
            "buckets": [
                {"at_most": bound, "count": count} for bound, count in zip([*BOUNDS, None], found.counts, strict=True)
            ],
        }
        return Response(LatenessOutput(shown).data)
