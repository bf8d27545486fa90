"""In which language, and with which clock, a request wants to read."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeVar

from django.conf import settings
from django.http import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from scheduling.errors import InvalidRequest, Problem
from scheduling.words import DEFAULT, UnknownLanguage, languages, matching

Answer = TypeVar("Answer", bound=HttpResponseBase)

_CLOCKS: Final[dict[str, Literal[12, 24]]] = {"12": 12, "24": 24}

READING: Final = [
    OpenApiParameter(
        "language",
        str,
        description=f"One of {', '.join(languages())}; else Accept-Language, else the server's own.",
    ),
    OpenApiParameter("clock", int, enum=[12, 24], description="Hours of the day; the language's own if not given."),
]


def language_of(request: Request) -> str:
    """`?language=`, else what Accept-Language likes best of what there is, else TANDEM_LANGUAGE.

    Raises InvalidRequest, which lists the languages there are, only for `?language=`: a browser sends its header
    unasked.
    """
    asked = request.query_params.get("language")
    try:
        if asked is not None:
            return matching(asked)
    except UnknownLanguage as exc:
        raise InvalidRequest([Problem("language", exc.code, exc.detail)]) from exc
    return _of_header(request)


def language_of_refusal(request: Request) -> str:
    """As `language_of`, but raises nothing: a `?language=` that there is not is as if it were not there."""
    try:
        return language_of(request)
    except InvalidRequest:
        return _of_header(request)


def _of_header(request: Request) -> str:
    own = getattr(settings, "TANDEM_LANGUAGE", DEFAULT)
    return matching(*_liked(request.headers.get("Accept-Language", "")), own)


def in_language(response: Answer, language: str) -> Answer:
    """The answer, which says in which language it is: not always in the one that was asked for."""
    response.headers["Content-Language"] = language
    patch_vary_headers(response, ["Accept-Language"])
    return response


def _liked(header: str) -> list[str]:
    """The tags of an Accept-Language header (RFC 9110, section 12.5.4), the best first; `*` is the default language.

    Empty where the header names nothing, or cannot be read.
    """
    return [DEFAULT if tag == "*" else tag for tag, weight in parse_accept_lang_header(header) if weight > 0]


def clock_of(request: Request) -> Literal[12, 24] | None:
    """`?clock=`; None for the language's own. Raises InvalidRequest."""
    asked = request.query_params.get("clock")
    if asked is None:
        return None
    if asked not in _CLOCKS:
        raise InvalidRequest([Problem("clock", "invalid_choice", "Write 12 or 24.")])
    return _CLOCKS[asked]


def reading_of(request: Request) -> dict[str, Any]:
    """Both, as the functions of scheduling.review take them."""
    return {"language": language_of(request), "clock": clock_of(request)}
