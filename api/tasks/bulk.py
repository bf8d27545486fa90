"""`/api/tasks/bulk/`: many tasks in one request, done in one transaction."""

from __future__ import annotations

from functools import partial
from typing import Any, Final, get_args

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from api.bodies import read
from api.bulk import PartialInput, chosen, made, many, read_each
from api.fields import Instant, StrictSerializer
from api.owned import OwnedRows
from api.permissions import Scope
from api.tasks.filters import ManyTasksFilter
from api.tasks.serializers import TaskInput
from api.tasks.views import STORED
from scheduling import clock, queries
from scheduling.bulk import MOST, tasks
from scheduling.bulk.tasks import OutcomeCode
from scheduling.models import Task

OUTCOMES: Final = list(get_args(OutcomeCode))


class CreateManyTasksInput(StrictSerializer):
    """The tasks to create, each as for one."""

    tasks = TaskInput(many=True, allow_empty=False, max_length=MOST)  # type: ignore[call-arg]  # not in the stubs


class TaskInShort(serializers.Serializer[Task]):
    """A task that was created: what a program needs to go on."""

    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    status = serializers.CharField()
    scheduled_time = Instant(source="due_at", allow_null=True)


class ManyTasksOutput(serializers.Serializer[Any]):
    """The tasks in the order of the request, and what became of the delivery of those that may start."""

    tasks = TaskInShort(many=True)
    delivery = serializers.CharField()


class BulkTaskOutcomeOutput(serializers.Serializer[Any]):
    """What became of one task. `detail` says why it was refused."""

    task = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    detail = serializers.CharField()


class OutcomesOutput(serializers.Serializer[Any]):
    """What became of each task, in the order of the request; of those that filters chose, by id."""

    tasks = BulkTaskOutcomeOutput(many=True)
    delivery = serializers.CharField(help_text="Of tasks that were queued again; empty where none was.")


def created(_request: Request, tasks: Any, delivery: str = STORED) -> Response:
    """The answer about tasks that were created."""
    return made(ManyTasksOutput({"tasks": tasks, "delivery": delivery}).data, "tasks")


def became(_request: Request, outcomes: Any, delivery: str = STORED) -> Response:
    """The answer about tasks that were cancelled or retried."""
    queued = any(one.outcome == "queued" for one in outcomes)
    return Response(OutcomesOutput({"tasks": outcomes, "delivery": delivery if queued else ""}).data)


@extend_schema(tags=["tasks"], filters=True)
class TaskBulkViewSet(OwnedRows, GenericViewSet[Task]):
    """Up to 1,000 tasks at once, by a list of ids or by the filters of the list."""

    rows = staticmethod(queries.tasks)
    serializer_class = OutcomesOutput
    filterset_class = ManyTasksFilter
    pagination_class = None
    scopes = {"create_many": Scope.RUN, "cancel_many": Scope.RUN, "retry_many": Scope.RUN}

    @many(
        "create", "Create many tasks", asked=CreateManyTasksInput, answer=ManyTasksOutput, shown=created, filtered=False
    )
    def create_many(self, request: Request) -> Response:
        """All of them are stored, or none. The faults of all are told at once, each by its place in the list."""
        now = clock.now()
        asked = read_each(request, "tasks", TaskInput, partial(tasks.check, now=now))
        return created(request, *tasks.create(asked, now=now))

    @many("cancel", "Cancel many tasks", asked=PartialInput, answer=OutcomesOutput, shown=became)
    def cancel_many(self, request: Request) -> Response:
        """As for one. Where one has finished already none is cancelled, or with `partial` the others."""
        body = read(PartialInput(data=request.data))
        return became(request, tasks.cancel(chosen(request, body, self), now=clock.now(), partial=body["partial"]))

    @many("retry", "Retry many tasks", asked=PartialInput, answer=OutcomesOutput, shown=became)
    def retry_many(self, request: Request) -> Response:
        """As for one. Where one cannot be retried none is, or with `partial` the others."""
        body = read(PartialInput(data=request.data))
        which = chosen(request, body, self)
        return became(request, *tasks.retry(which, now=clock.now(), partial=body["partial"]))
