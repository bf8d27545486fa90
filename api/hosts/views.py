"""`/api/hosts/`: the machines that have a crontab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from api.hosts.filters import HostFilter
from api.hosts.serializers import HostOutput
from scheduling import clock, host_states
from scheduling.errors import NotFound
from scheduling.models import Host


@extend_schema(tags=["hosts"])
class HostViewSet(GenericViewSet[Host]):
    """The machines that have a crontab: whether they live, and whether their cron wakes them."""

    queryset = Host.objects.all()
    filterset_class = HostFilter
    lookup_field = "name"
    lookup_value_regex = "[^/]{1,253}"

    @extend_schema(summary="List hosts, newest first", responses=HostOutput(many=True))
    def list(self, request: Request) -> Response:
        """Every machine that has ever reported a crontab."""
        page: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(_shown(page))

    @extend_schema(summary="Get a host", responses=HostOutput)
    def retrieve(self, request: Request, name: str) -> Response:
        """One machine by its name."""
        found = Host.objects.filter(name=name).first()
        if found is None:
            raise NotFound(f"There is no host {name}.")
        return Response(_shown([found])[0])


def _shown(hosts: Sequence[Host]) -> list[dict[str, Any]]:
    return [dict(HostOutput(state).data) for state in host_states.states(hosts, now=clock.now())]
