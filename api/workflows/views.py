"""`/api/workflows/`."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from api.workflows.filters import WorkflowFilter
from api.workflows.serializers import AskedWorkflow, WorkflowInput, WorkflowOutput, WorkflowTree
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

    @extend_schema(summary="Workflows, newest first", responses=WorkflowOutput(many=True))
    def list(self, request: Request) -> Response:
        """Each in short, with how many of its tasks stand where."""
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(WorkflowOutput(page, many=True, context=_counts(*page)).data)

    @extend_schema(summary="One workflow", responses=WorkflowTree)
    def retrieve(self, request: Request, pk: str) -> Response:
        """The whole as a tree: each node with its status, each task with its id and what it came to."""
        return _shown(self.get_object())

    @extend_schema(summary="Ask for a workflow", request=WorkflowInput, responses={201: AskedWorkflow})
    def create(self, request: Request) -> Response:
        """Its first tasks run at once; each of the others when what it depends on has completed."""
        asked = WorkflowInput(data=request.data)
        asked.is_valid(raise_exception=True)
        return _asked(*workflows.create(now=timezone.now(), **asked.validated_data), status.HTTP_201_CREATED)

    @extend_schema(summary="Cancel it", request=None, responses={202: WorkflowTree})
    @action(detail=True, methods=["post"], filterset_class=None)
    def cancel(self, request: Request, pk: str) -> Response:
        """What waits never runs, what runs is asked to stop; it has ended once that has."""
        return _shown(workflows.cancel(int(pk), now=timezone.now()), status.HTTP_202_ACCEPTED)

    @extend_schema(summary="Go on from what failed", request=None, responses={202: AskedWorkflow})
    @action(detail=True, methods=["post"], filterset_class=None)
    def retry(self, request: Request, pk: str) -> Response:
        """Members that failed or were cancelled are retried, what follows them waits again; what completed stays."""
        return _asked(*workflows.retry(int(pk), now=timezone.now()), status.HTTP_202_ACCEPTED)


def _counts(*found: Workflow) -> dict[str, Any]:
    return {"counts": tree.counts([workflow.pk for workflow in found])}


def _shown(workflow: Workflow, code: int = status.HTTP_200_OK) -> Response:
    return Response(WorkflowTree(workflow, context=_counts(workflow)).data, status=code)


def _asked(workflow: Workflow, waits_for: str, code: int) -> Response:
    context = {**_counts(workflow), "delivery": waits_for or "sent"}
    return Response(AskedWorkflow(workflow, context=context).data, status=code)
