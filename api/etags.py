"""Which version is meant? ETag, If-Match and If-None-Match (RFC 9110, sections 8.8.3 and 13.1).

An ETag is `"VERSION-DIGEST"`: the version counts the changes, the digest is that of the answer, which also shows what
follows from the time of day. If-Match compares the versions, If-None-Match the whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from scheduling.errors import InvalidRequest, Problem

IF_MATCH: Final = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETags of the versions to change, or `*`. 412 if none of them is the present one.",
)
IF_MATCH_OF_SCHEDULE: Final = OpenApiParameter(
    IF_MATCH.name,
    str,
    OpenApiParameter.HEADER,
    description=f"{IF_MATCH.description} Needed where the setting TANDEM_REQUIRE_IF_MATCH says so: else 428.",
)
IF_NONE_MATCH: Final = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="ETags that are known. 304 if one of them is the answer's.",
)
# Also a version alone, and a weak tag: a proxy that compresses answers makes tags weak.
_TAG: Final = r'(?:W/)?"([0-9]{1,10})(?:-[0-9a-f]{16})?"'
_TAGS: Final = re.compile(rf"{_TAG}(?:\s*,\s*{_TAG})*")

# What the answer to a write tells besides: a GET, which has the same ETag, does not show it.
_ONLY_OF_THE_WRITE: Final = frozenset({"delivery", "warnings", "runs_per_year"})


class VersionRequired(APIException):
    """The setting TANDEM_REQUIRE_IF_MATCH asks every change to name the version that it is meant for."""

    status_code = HTTPStatus.PRECONDITION_REQUIRED
    default_detail = "Read it first, and send its ETag as If-Match."
    default_code = "version_required"


def expected(request: Request, *, required: bool = False) -> frozenset[int] | None:
    """The versions in If-Match; None if any version is accepted.

    Raises InvalidRequest where the header names no version of ours. With `required`, raises VersionRequired where there
    is no header and the setting asks for one.
    """
    given = request.headers.get("If-Match")
    if given is None and required and settings.TANDEM_REQUIRE_IF_MATCH:
        raise VersionRequired
    if given is None or given.strip() == "*":
        return None
    if not _TAGS.fullmatch(given.strip()):
        raise InvalidRequest([Problem("", "if_match", "If-Match: write ETags that were answered, with their quotes.")])
    return frozenset(int(version) for version in re.findall(_TAG, given))


def tagged(data: Mapping[str, Any], version: int, *, status: int = HTTPStatus.OK, location: str = "") -> Response:
    """An answer with its ETag, and for what was created with its Location."""
    kept = {name: value for name, value in data.items() if name not in _ONLY_OF_THE_WRITE}
    digest = hashlib.sha256(JSONRenderer().render(kept)).hexdigest()[:16]
    headers = {"ETag": f'"{version}-{digest}"'} | ({"Location": location} if location else {})
    return Response(data, status=status, headers=headers)


def unless_known(request: Request, response: Response) -> Response:
    """The answer, or 304 where the client says that it knows it. Tags are compared weakly, as a GET does."""
    known = request.headers.get("If-None-Match", "")
    if known.strip() != "*" and response.headers["ETag"] not in re.findall(r'"[^"]*"', known):
        return response
    return Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": response.headers["ETag"]})
