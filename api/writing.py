"""What do all writes have in common? A dry run answers what would follow, and a POST may be sent twice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from http import HTTPStatus
from typing import Any, Final, TypeVar

from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import Shown, once
from scheduling import dry_run
from scheduling.errors import InvalidRequest, Problem

DRY_RUN: Final = "dry_run"
# The id of what would be made: no row has it.
NO_ID: Final = 0

Handler = TypeVar("Handler", bound=Callable[..., Any])


def write(shown: Shown | None = None, *, makes: bool = False) -> Callable[[Handler], Handler]:
    """Mark the handler of a write.

    `shown` makes its answer from what it stores (see `api.idempotency`). `makes`: the answer shows a new row. With
    `?dry_run=true` the handler is only tried: its answer has the status 200, and a new row in it the id 0.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def asked(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            run = partial(handler, view, request, *args, **kwargs)
            if asks_dry_run(request):
                return _tried(run, makes=makes)
            return once(request, run, shown) if request.method == "POST" else run()

        asked.is_write = True  # type: ignore[attr-defined]  # for api.openapi
        return asked  # type: ignore[return-value]  # it takes what the handler takes

    return decorate


def asks_dry_run(request: Request) -> bool:
    """`?dry_run=`. Raises InvalidRequest for another word than true and false."""
    given = request.query_params.get(DRY_RUN, "false")
    if given not in {"true", "false"}:
        raise InvalidRequest([Problem(DRY_RUN, "invalid_choice", "Write true or false.")])
    return given == "true"


def _tried(run: Callable[[], Response], *, makes: bool) -> Response:
    with dry_run.tried():
        response = run()
    if makes or response.status_code == HTTPStatus.CREATED:
        response.data = {**response.data, "id": NO_ID}
        if "workflow" in response.data:
            response.data["workflow"] = _without_tasks(response.data["workflow"])
    if response.status_code < HTTPStatus.MULTIPLE_CHOICES:
        response.status_code = HTTPStatus.OK
    for header in ("Location", "ETag"):
        response.headers.pop(header, None)
    return response


def _without_tasks(shown: Any) -> Any:
    """The tree of a workflow, without the ids of tasks that there will never be."""
    if isinstance(shown, list):
        return [_without_tasks(inner) for inner in shown]
    if not isinstance(shown, dict):
        return shown
    return {name: None if name == "task" else _without_tasks(inner) for name, inner in shown.items()}
