"""`/api/cron/`: reading expressions before anything runs."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.cron.serializers import DescribeInput, DescribeOutput
from api.roles import Role
from api.schedules.serializers import occurrence
from scheduling.review import review_cron
from scheduling.timing.zones import tzdata_version


class DescribeView(APIView):
    """What an expression means. Writes nothing."""

    action = "describe"
    roles = {"describe": Role.VIEWER}

    @extend_schema(tags=["cron"], summary="Read an expression", request=DescribeInput, responses=DescribeOutput)
    def post(self, request: Request) -> Response:
        """Plain words, the next occurrences, and what each backend would install."""
        asked = DescribeInput(data=request.data)
        asked.is_valid(raise_exception=True)
        given = asked.validated_data
        found = review_cron(given["cron"], given["timezone"], count=given["count"], now=timezone.now())
        return Response(
            {
                "expression": found.expression,
                "timezone": found.timezone,
                "words": found.words,
                "next_occurrences": [occurrence(at, found.timezone) for at in found.next_occurrences],
                "backends": [
                    {
                        "backend": where.backend,
                        "entries": [entry.text for entry in where.entries],
                        "refused_because": list(where.refused_because),
                    }
                    for where in found.backends
                ],
                "tzdata": tzdata_version(),
            }
        )
