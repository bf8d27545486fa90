"""`/api/limits/`: which limits of tasks are set, how many run under them, and how many wait."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api.task_limits.serializers import TaskLimitOutput
from scheduling import limit_states
from scheduling.roles import Role


class TaskLimitsView(APIView):
    """All limits. Stores nothing."""

    action = "limits"
    roles = {"limits": Role.VIEWER}
    # Its counts are of what who asks may see.
    for_bound = True

    @extend_schema(
        tags=["limits"],
        summary="Show the limits of tasks",
        responses=TaskLimitOutput(many=True),
        filters=False,
    )
    def get(self, request: Request) -> Response:
        """The limits of the setting TANDEM_TASK_LIMITS and those that jobs declare, in order of their targets. Who is
        bound to owners is shown how many of their tasks run and wait, and of single keys those that these tasks have.
        """
        found: Any = limit_states.visible()  # the type stubs do not know the argument `many`
        return Response(TaskLimitOutput(found, many=True).data)
