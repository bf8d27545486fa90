"""`/api/jobs/`: which jobs are there?"""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from api.jobs.serializers import JobOutput
from scheduling import registry


@extend_schema(tags=["jobs"])
class JobViewSet(ViewSet):
    """The jobs that tasks and schedules can run, each with the JSON Schema of its parameters."""

    # What can be run is no secret of anybody.
    for_bound = True
    lookup_field = "name"
    lookup_value_regex = "[^/]+"

    @extend_schema(responses=JobOutput(many=True))
    def list(self, request: Request) -> Response:
        """Every job with the JSON Schema of its parameters, by name."""
        return Response(JobOutput(registry.definitions(), many=True).data)

    @extend_schema(responses=JobOutput)
    def retrieve(self, request: Request, name: str) -> Response:
        """One job with the JSON Schema of its parameters."""
        return Response(JobOutput(registry.definition(name)).data)
