"""`/api/statistics/`: what ended how, after how long, and how late."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.bodies import read
from api.period import period, shares
from api.statistics.serializers import StatisticsInput, StatisticsOutput
from scheduling import statistics
from scheduling.lateness import Histogram
from scheduling.lifecycle import FINISHED


class StatisticsView(APIView):
    """Counts of what has ended. Stores nothing."""

    @extend_schema(
        operation_id="statistics_get",
        tags=["statistics"],
        summary="Count what has ended",
        parameters=[StatisticsInput],
        responses=StatisticsOutput,
        filters=False,
    )
    def get(self, request: Request) -> Response:
        """Outcomes, durations and lateness by job, queue, schedule or hour, by whole hours. What has just ended is
        counted within seconds.
        """
        asked = read(StatisticsInput(data=request.query_params.dict()))
        since, until = period(asked)
        found = statistics.found(asked["by"], since, until, name=asked.get("name", ""))
        groups = [_shown(name, counts) for name, counts in sorted(found.items())]
        return Response(StatisticsOutput({"by": asked["by"], "from": since, "to": until, "groups": groups}).data)


def _shown(name: str, counts: statistics.Counts) -> dict[str, Any]:
    return {
        "name": name,
        "outcomes": {status.value: counts.outcomes[status.value] for status in FINISHED},
        "duration": shares(Histogram.of(counts.durations)),
        "lateness": shares(Histogram.of(counts.lateness)),
    }
