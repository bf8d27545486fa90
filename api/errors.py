"""Errors as RFC 9457 problem details: `code` for programs, `errors[]` with an RFC 6901 pointer for each part at
fault.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from http import HTTPStatus
from itertools import islice
from typing import Any, Final

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views import defaults
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from scheduling.errors import (
    BackendError,
    Conflict,
    InvalidRequest,
    InvalidTrigger,
    NotFound,
    StaleVersion,
    TandemError,
)

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
# A small request must not be answered with a huge list.
MOST_ERRORS: Final = 50


@dataclass(frozen=True, slots=True)
class PartError:
    """One thing wrong with a request; `pointer` is the JSON pointer (RFC 6901) of the part, '' for the whole body."""

    pointer: str
    code: str
    detail: str


# The nearest class of the family decides.
_STATUS: Final[dict[type[TandemError], HTTPStatus]] = {
    StaleVersion: HTTPStatus.PRECONDITION_FAILED,
    Conflict: HTTPStatus.CONFLICT,
    NotFound: HTTPStatus.NOT_FOUND,
    InvalidRequest: HTTPStatus.BAD_REQUEST,
    InvalidTrigger: HTTPStatus.BAD_REQUEST,
    BackendError: HTTPStatus.SERVICE_UNAVAILABLE,
}


def problem_response(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Every exception that leaves a view, as a problem; None for a fault of ours, which becomes a plain 500."""
    if isinstance(exc, TandemError):
        found = next((status for kind, status in _STATUS.items() if isinstance(exc, kind)), None)
        if found is None:
            return None
        problems = exc.problems if isinstance(exc, InvalidRequest) else ()
        errors = [PartError(pointer(one.field), one.code, one.detail) for one in problems]
        return _response(problem(found, exc.code, exc.detail, errors), found)
    response = exception_handler(exc, context)
    if response is None:
        return None
    status = HTTPStatus(response.status_code)
    if isinstance(exc, ValidationError):
        body = problem(status, "invalid", "The request cannot be accepted as it stands.", _flat(exc.detail))
    else:
        detail = getattr(exc, "detail", None) or status.phrase
        code = detail.code if isinstance(detail, ErrorDetail) else status.phrase.lower().replace(" ", "_")
        body = problem(status, code or "error", str(detail))
    return _response(body, status, headers=response.headers)


def problem(status: HTTPStatus, code: str, detail: str, errors: Iterable[PartError] = ()) -> dict[str, Any]:
    """The members of a problem document. `type` stays about:blank: `code` is what programs branch on."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "code": code,
        "detail": _encodable(detail),
    }
    shown = [
        {member: _encodable(text) for member, text in asdict(error).items()} for error in islice(errors, MOST_ERRORS)
    ]
    return body | ({"errors": shown} if shown else {})


def pointer(field: str) -> str:
    """The JSON pointer of a Problem's dotted field; '' is the whole body."""
    names = field.split(".") if field else []
    return "".join(_step(name.replace("\\1", ".").replace("\\0", "\\")) for name in names)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Addresses that lead nowhere: a problem under /api/, Django's page elsewhere."""
    if not request.path.startswith("/api/"):
        return defaults.page_not_found(request, exception)
    status = HTTPStatus.NOT_FOUND
    body = problem(status, "not_found", "There is nothing at this address: see /api/docs/.")
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """A fault of ours: said without any detail, which is in the log."""
    if not request.path.startswith("/api/"):
        return defaults.server_error(request)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    body = problem(status, "internal", "This is a fault in Tandem; its log says more.")
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)


def _response(body: dict[str, Any], status: HTTPStatus, headers: Any = None) -> Response:
    kept = {name: value for name, value in (headers or {}).items() if name.lower() != "content-type"}
    return Response(body, status=status, headers=kept, content_type=MEDIA_TYPE)


def _flat(detail: Any, where: str = "") -> Iterator[PartError]:
    """DRF's nested errors, each with the pointer of its part."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            whole = name == api_settings.NON_FIELD_ERRORS_KEY
            yield from _flat(inner, where if whole else where + _step(name))
    elif isinstance(detail, list):
        alone = all(isinstance(inner, ErrorDetail) for inner in detail)
        for index, inner in enumerate(detail):
            yield from _flat(inner, where if alone else where + _step(index))
    else:
        yield PartError(where, str(getattr(detail, "code", "invalid")), str(detail))


def _step(name: object) -> str:
    return "/" + str(name).replace("~", "~0").replace("/", "~1")


def _encodable(text: str) -> str:
    """A lone surrogate is a character of JSON strings, but not of the UTF-8 an answer is written in."""
    return text.encode("utf-8", "backslashreplace").decode()
