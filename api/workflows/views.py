"""`/api/workflows/`: ask for workflows, cancel or retry them, and see how far they are."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from api.bodies import read
from api.etags import IF_MATCH, IF_NONE_MATCH, expected, tagged, unless_known
from api.idempotency import Shown
from api.owned import OwnedRows
from api.permissions import Scope
from api.tasks.views import STORED
from api.workflows.filters import WorkflowFilter
from api.workflows.serializers import AskedWorkflow, WorkflowInput, WorkflowOutput, WorkflowTree
from api.writing import write
from scheduling import clock, queries
from scheduling.errors import InvalidRequest
from scheduling.models import Workflow
from scheduling.workflows import service as workflows
from scheduling.workflows import tree


def shown(workflow: Workflow, code: int = status.HTTP_200_OK) -> Response:
    """A workflow with its tree and its version."""
    body = WorkflowTree(workflow, context=_counts(workflow)).data
    return tagged(body, tree.version(workflow), status=code)


def cancelled(workflow: Workflow) -> Response:
    """The answer to a cancel."""
    return shown(workflow, status.HTTP_202_ACCEPTED)


def stored(code: int) -> Shown:
    """The answer about a workflow that is stored, and whose first tasks are not handed over yet."""
    return lambda _request, workflow: _asked(workflow, STORED, code)


def _asked(workflow: Workflow, delivery: str, code: int) -> Response:
    context = {**_counts(workflow), "delivery": delivery}
    body = AskedWorkflow(workflow, context=context).data
    location = reverse("workflow-detail", kwargs={"pk": workflow.pk}) if code == status.HTTP_201_CREATED else ""
    return tagged(body, tree.version(workflow), status=code, location=location)


def _counts(*found: Workflow) -> dict[str, Any]:
    return {"counts": tree.counts([workflow.pk for workflow in found])}


def _check(**members: Any) -> None:
    if "workflow" in members and (problems := workflows.check(members["workflow"])):
        raise InvalidRequest(problems)


@extend_schema(tags=["workflows"])
class WorkflowViewSet(OwnedRows, GenericViewSet[Workflow]):
    """Tasks that depend on each other: chains, groups, chords and callbacks."""

    rows = staticmethod(queries.workflows)
    serializer_class = WorkflowOutput
    filterset_class = WorkflowFilter
    lookup_value_regex = "[0-9]{1,18}"
    scopes = {"create": Scope.RUN, "cancel": Scope.RUN, "retry": Scope.RUN}

    @extend_schema(summary="List workflows, newest first", responses=WorkflowOutput(many=True))
    def list(self, request: Request) -> Response:
        """Each workflow in short, with the number of its tasks in each status."""
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        names = self.members()
        context = self.get_serializer_context() | (_counts(*page) if names is None or "counts" in names else {})
        return self.get_paginated_response(WorkflowOutput(page, many=True, context=context).data)

    @extend_schema(summary="Get a workflow", responses={200: WorkflowTree, 304: None}, parameters=[IF_NONE_MATCH])
    def retrieve(self, request: Request, pk: str) -> Response:
        """The workflow as a tree: each node with its status, each task with its id, result and error."""
        return unless_known(request, shown(self.get_object()))

    @extend_schema(summary="Create a workflow", request=WorkflowInput, responses={201: AskedWorkflow})
    @write(stored(status.HTTP_201_CREATED))
    def create(self, request: Request) -> Response:
        """The first tasks run at once. Each of the others runs when the tasks that it depends on have completed."""
        members = read(WorkflowInput(data=request.data), _check)
        return _asked(*workflows.create(now=clock.now(), **members), status.HTTP_201_CREATED)

    @extend_schema(summary="Cancel a workflow", request=None, responses={202: WorkflowTree}, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"], filterset_class=None)
    @write(lambda _request, workflow: cancelled(workflow))
    def cancel(self, request: Request, pk: str) -> Response:
        """Waiting tasks do not run, and running tasks are asked to stop. The workflow ends when these have ended."""
        return cancelled(workflows.cancel(int(pk), now=clock.now(), version=expected(request)))

    @extend_schema(summary="Retry a workflow", request=None, responses={202: AskedWorkflow}, parameters=[IF_MATCH])
    @action(detail=True, methods=["post"], filterset_class=None)
    @write(stored(status.HTTP_202_ACCEPTED))
    def retry(self, request: Request, pk: str) -> Response:
        """Members that failed or were cancelled are retried, and the tasks after them wait again. Completed tasks are
        kept.
        """
        workflow, delivery = workflows.retry(int(pk), now=clock.now(), version=expected(request))
        return _asked(workflow, delivery, status.HTTP_202_ACCEPTED)
