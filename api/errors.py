"""How are errors answered? As problem details (RFC 9457), with a `code` for programs, in the language asked for.

`errors` lists each wrong part of the request, with its JSON pointer (RFC 6901).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from http import HTTPStatus
from itertools import islice
from typing import Any, Final, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views import defaults
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from api.bodies import FaultyBody
from api.language import in_language, language_of_refusal
from scheduling.database_away import unavailable
from scheduling.errors import (
    BackendError,
    Conflict,
    InvalidRequest,
    InvalidTrigger,
    Misconfigured,
    NotFound,
    Problem,
    StaleVersion,
    TandemError,
)
from scheduling.phrases import Phrase, phrase
from scheduling.words import DEFAULT, UnknownLanguage
from scheduling.words.refusals import refused

log = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
# One for each of the most rows that a request may ask for. A request with more wrong parts must not get a huge answer.
MOST_ERRORS: Final = 1_000
# A pool that is full and a lock that is held are free again within moments; a server takes longer to restart.
RETRY_AFTER_SECONDS: Final = 5

Made = TypeVar("Made", bound=HttpResponseBase)


@dataclass(frozen=True, slots=True)
class PartError:
    """One wrong part of a request. `pointer` is its JSON pointer (RFC 6901); '' is the whole body."""

    pointer: str
    code: str
    detail: str


# The first class that fits decides, so a class stands before its base class.
_STATUS: Final[dict[type[TandemError], HTTPStatus]] = {
    StaleVersion: HTTPStatus.PRECONDITION_FAILED,
    Conflict: HTTPStatus.CONFLICT,
    NotFound: HTTPStatus.NOT_FOUND,
    InvalidRequest: HTTPStatus.BAD_REQUEST,
    InvalidTrigger: HTTPStatus.BAD_REQUEST,
    UnknownLanguage: HTTPStatus.BAD_REQUEST,
    BackendError: HTTPStatus.SERVICE_UNAVAILABLE,
}


def problem_response(exc: Exception, context: dict[str, Any]) -> Response | None:
    """The exception of a view as a problem document; None for a fault in Tandem, which `server_error` answers.

    Its texts are in the language of the request where they can be, and `Content-Language` says whether they are.
    """
    request = context.get("request")
    language = DEFAULT if request is None else language_of_refusal(request)
    response = _answered(exc, context, language)
    return None if response is None else in_language(response, language if _can_be_said(exc) else DEFAULT)


def _can_be_said(exc: Exception) -> bool:
    """Whether something in the answer is said in every language. Django's own texts, and those of a fault, are not."""
    if isinstance(exc, ValidationError):
        return True
    said = [one.detail for one in exc.problems] if isinstance(exc, InvalidRequest) else [getattr(exc, "detail", "")]
    return any(isinstance(text, Phrase) for text in said)


def _answered(exc: Exception, context: dict[str, Any], language: str) -> Response | None:
    if reason := unavailable(exc):
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return _away(_response(_away_problem(), status), reason)
    if isinstance(exc, Misconfigured):
        # Its detail may quote a setting, so it is for the log only.
        log.error("the settings do not fit together: %s", exc.detail)
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        said = "The settings of this service do not fit together. Its log has the details."
        return _response(problem(status, exc.code, said), status)
    if isinstance(exc, TandemError):
        found = next((status for kind, status in _STATUS.items() if isinstance(exc, kind)), None)
        if found is None:
            return None
        errors = _parts(exc.problems, language) if isinstance(exc, InvalidRequest) else []
        detail = "; ".join(error.detail for error in errors) or refused(exc.detail, language)
        return _response(problem(found, exc.code, detail, errors), found)
    response = exception_handler(exc, context)
    if response is None:
        return None
    status = HTTPStatus(response.status_code)
    if isinstance(exc, ValidationError):
        problems = exc.problems if isinstance(exc, FaultyBody) else ()
        errors = [*_flat(exc.detail), *_parts(problems, language)]
        said = refused(phrase("The request is not valid: see errors."), language)
        body = problem(status, "invalid", said, errors)
    else:
        detail = getattr(exc, "detail", None) or status.phrase
        code = detail.code if isinstance(detail, ErrorDetail) else status.phrase.lower().replace(" ", "_")
        body = problem(status, code or "error", str(detail))
    return _response(body, status, headers=response.headers)


def _parts(problems: Iterable[Problem], language: str) -> list[PartError]:
    return [PartError(pointer(one.field), one.code, refused(one.detail, language)) for one in problems]


def problem(status: HTTPStatus, code: str, detail: str, errors: Iterable[PartError] = ()) -> dict[str, Any]:
    """The members of a problem document. `type` is always about:blank: programs tell problems apart by `code`."""
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
    """The JSON pointer for the dotted `field` of a Problem; '' is the whole body."""
    names = field.split(".") if field else []
    return "".join(_step(name.replace("\\1", ".").replace("\\0", "\\")) for name in names)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """The answer for an unknown address: a problem document under /api/, Django's page elsewhere."""
    if not request.path.startswith("/api/"):
        return defaults.page_not_found(request, exception)
    status = HTTPStatus.NOT_FOUND
    body = problem(status, "not_found", "There is nothing at this address: see /api/docs/.")
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """The answer for an exception outside of REST's views, or for a fault in one: a problem document under /api/.

    Elsewhere it is Django's page. It holds no details; these are in the log. 503 if the database is not available,
    else 500.
    """
    # Django calls this while it handles the exception.
    exc = sys.exc_info()[1]
    if exc is not None and (reason := unavailable(exc)):
        return _away(_away_page(request), reason)
    if not request.path.startswith("/api/"):
        return defaults.server_error(request)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    body = problem(status, "internal", "This is a fault in Tandem. Its log has the details.")
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)


def _away_problem() -> dict[str, Any]:
    detail = f"The database is away, busy, full or read-only. Try again in {RETRY_AFTER_SECONDS} seconds."
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, "database_unavailable", detail)


def _away_page(request: HttpRequest) -> HttpResponse:
    body, status = _away_problem(), HTTPStatus.SERVICE_UNAVAILABLE
    if request.path.startswith("/api/"):
        return JsonResponse(body, status=status, content_type=MEDIA_TYPE)
    return HttpResponse(body["detail"], status=status, content_type="text/plain; charset=utf-8")


def _away(response: Made, reason: str) -> Made:
    """The response for a database that is not available, with one line in the log."""
    log.warning("the database is not available: %s", reason)
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    # Django's own mark (django.utils.log.log_response): it adds no line, and no traceback with the driver's text.
    response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001 - it has no public name
    return response


def _response(body: dict[str, Any], status: HTTPStatus, headers: Any = None) -> Response:
    kept = {name: value for name, value in (headers or {}).items() if name.lower() != "content-type"}
    return Response(body, status=status, headers=kept, content_type=MEDIA_TYPE)


def _flat(detail: Any, where: str = "") -> Iterator[PartError]:
    """The nested errors of Django REST framework as a flat list, each with the pointer of its part."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            is_whole = name == api_settings.NON_FIELD_ERRORS_KEY
            yield from _flat(inner, where if is_whole else where + _step(name))
    elif isinstance(detail, list):
        of_one_part = all(isinstance(inner, ErrorDetail) for inner in detail)
        for index, inner in enumerate(detail):
            yield from _flat(inner, where if of_one_part else where + _step(index))
    else:
        yield PartError(where, str(getattr(detail, "code", "invalid")), str(detail))


def _step(name: object) -> str:
    return "/" + str(name).replace("~", "~0").replace("/", "~1")


def _encodable(text: str) -> str:
    """The text with lone surrogates escaped: a JSON string in a request may hold them, but UTF-8 cannot."""
    return text.encode("utf-8", "backslashreplace").decode()
