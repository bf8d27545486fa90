"""`/api/workflows/`: ask for workflows, cancel or retry them, and see how far they are."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from api.roles import Scope
from api.workflows.filters import WorkflowFilter
from api.workflows.serializers import AskedWorkflow, WorkflowInput, WorkflowOutput, WorkflowTree
from scheduling import clock
from scheduling.models import Workflow
from scheduling.workflows import service as workflows
from scheduling.workflows import tree


@extend_schema(tags=["workflows"])
class WorkflowViewSet(GenericViewSet[Workflow]):
    """Tasks that depend on each other: chains, groups, chords and callbacks."""

    queryset = Workflow.objects.all()
    serializer_class = WorkflowTree
    filterset_class = WorkflowFilter
    lookup_value_regex = "[0-9]{1,18}"
    scopes = {"create": Scope.RUN, "cancel": Scope.RUN, "retry": Scope.RUN}

    @extend_schema(summary="List workflows, newest first", responses=WorkflowOutput(many=True))
    def list(self, request: Request) -> Response:
        """Each workflow in short, with the number of its tasks in each status."""
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(WorkflowOutput(page, many=True, context=_counts(*page)).data)

    @extend_schema(summary="Get a workflow", responses=WorkflowTree)
    def retrieve(self, request: Request, pk: str) -> Response:
        """The workflow as a tree: each node with its status, each task with its id, result and error."""
        return _shown(self.get_object())

    @extend_schema(summary="Create a workflow", request=WorkflowInput, responses={201: AskedWorkflow})
    def create(self, request: Request) -> Response:
        """The first tasks run at once. Each of the others runs when the tasks that it depends on have completed."""
        asked = WorkflowInput(data=request.data)
        asked.is_valid(raise_exception=True)
        return _asked(*workflows.create(now=clock.now(), **asked.validated_data), status.HTTP_201_CREATED)

    @extend_schema(summary="Cancel a workflow", request=None, responses={202: WorkflowTree})
    @action(detail=True, methods=["post"], filterset_class=None)
    def cancel(self, request: Request, pk: str) -> Response:
        """Waiting tasks do not run, and running tasks are asked to stop. The workflow ends when these have ended."""
        return _shown(workflows.cancel(int(pk), now=clock.now()), status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Retry a workflow", request=None, responses={202: AskedWorkflow})
    @action(detail=True, methods=["post"], filterset_class=None)
    def retry(self, request: Request, pk: str) -> Response:
        """Members that failed or were cancelled are retried, and the tasks after them wait again. Completed tasks are
        kept.
        """
        return _asked(*workflows.retry(int(pk), now=clock.now()), status.HTTP_202_ACCEPTED)


def _counts(*found: Workflow) -> dict[str, Any]:
    return {"counts": tree.counts([workflow.pk for workflow in found])}


def _shown(workflow: Workflow, code: int = status.HTTP_200_OK) -> Response:
    return Response(WorkflowTree(workflow, context=_counts(workflow)).data, status=code)


def _asked(workflow: Workflow, delivery: str, code: int) -> Response:
    context = {**_counts(workflow), "delivery": delivery}
    return Response(AskedWorkflow(workflow, context=context).data, status=code)
