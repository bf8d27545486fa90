"""`http.fetch`: GET a URL and keep what comes back."""

import time
from http import HTTPStatus
from typing import Annotated, Final

from django.conf import settings
from pydantic import AfterValidator, Field
from urllib3 import BaseHTTPResponse

from jobs.fetch import headers as request_headers
from jobs.fetch import urls
from jobs.fetch.content import content, media_type
from jobs.fetch.deadline import Deadline
from jobs.fetch.errors import ErrorStatus, RedirectRefused
from jobs.fetch.exchange import exchange, read_body
from jobs.fetch.urls import Target
from scheduling.context import JobContext
from scheduling.registry import job
from scheduling.storable import Json

MOST_REDIRECTS: Final = 5
_REDIRECTS: Final = {301, 302, 303, 307, 308}

Url = Annotated[
    str,
    AfterValidator(urls.checked),
    Field(
        max_length=4000,
        description="What to fetch: http:// or https://.",
        json_schema_extra={"format": "uri"},
    ),
]
Headers = Annotated[dict[str, str], AfterValidator(request_headers.checked), Field(max_length=50)]


@job("http.fetch")
def fetch(
    context: JobContext,
    *,
    url: Url,
    timeout: Annotated[float, Field(gt=0, le=300, description="Seconds for everything together.")] = 10,
    max_bytes: Annotated[int, Field(ge=1, le=10_000_000, description="Largest body, after decompression.")] = 1_000_000,
    headers: Annotated[
        Headers | None,
        Field(description="Request headers. Those that may hold a credential stay with the URL's own server."),
    ] = None,
    fail_on_error: Annotated[bool, Field(description="Whether a status of 400 or more fails the task.")] = True,
) -> dict[str, Json]:
    """GET a URL and keep what comes back.

    Returns `url` (after redirects, without credentials), `status`, `content_type` (without parameters),
    `elapsed_ms`, and one of `json`, `xml` (as JSON), `text`, or `bytes` with `sha256`, by the content type.
    Follows up to 5 redirects. Only public addresses are fetched, unless the setting TANDEM_HTTP_ALLOW_PRIVATE
    is on. Proxies in the environment are not used.

    Raises FetchFailed or one of its kinds (`jobs/fetch/errors.py`); none of them shows a credential.
    """
    started = time.perf_counter()
    deadline = Deadline(timeout)
    first = target = urls.parse(url)
    for _ in range(MOST_REDIRECTS + 1):
        sent = request_headers.for_target(headers or {}, target, first=first)
        with exchange(target, sent, deadline=deadline, allow_private=settings.TANDEM_HTTP_ALLOW_PRIVATE) as response:
            context.log.info("GET %s: %d", target.shown, response.status)
            location = response.headers.get("location")
            if response.status in _REDIRECTS and location:
                target = _redirected(target, location)
                continue
            if fail_on_error and response.status >= 400:
                raise ErrorStatus(f"GET {target.shown} answered {_status(response.status)}.")
            body = read_body(response, max_bytes=max_bytes)
        return _result(target, response, body, elapsed=time.perf_counter() - started)
    raise RedirectRefused(f"GET {first.shown} was redirected more than {MOST_REDIRECTS} times.")


def _redirected(target: Target, location: str) -> Target:
    try:
        return target.follow(location)
    except ValueError as exc:
        raise RedirectRefused(f"GET {target.shown} redirects to what {exc}.") from exc


def _status(status: int) -> str:
    """The number with its registered name; the server's own words are not repeated."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _result(target: Target, response: BaseHTTPResponse, body: bytes, *, elapsed: float) -> dict[str, Json]:
    content_type = response.headers.get("content-type", "")
    return {
        "url": target.shown,
        "status": response.status,
        "content_type": media_type(content_type),
        "elapsed_ms": round(elapsed * 1000),
        **content(body, content_type=content_type, status=response.status),
    }
