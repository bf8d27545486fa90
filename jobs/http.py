"""`http.fetch`: send a request to a URL and keep what comes back."""

import time
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final

from django.conf import settings
from pydantic import AfterValidator, Field, JsonValue
from urllib3 import BaseHTTPResponse

from jobs.fetch import headers as http_headers
from jobs.fetch import hosts, internal, urls
from jobs.fetch.content import content, media_type
from jobs.fetch.deadline import Deadline
from jobs.fetch.errors import AddressRefused, ErrorStatus, HostRefused, RedirectRefused, TooLarge
from jobs.fetch.exchange import Permitted, exchange, read_body
from jobs.fetch.requests import Method, Request, request
from jobs.fetch.urls import Target
from scheduling.job_context import JobContext
from scheduling.registry import job
from scheduling.storable import Json

# A chain that is longer is mostly a circle.
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
Headers = Annotated[dict[str, str], AfterValidator(http_headers.checked), Field(max_length=50)]


@job("http.fetch", give_up_on=(AddressRefused, HostRefused, TooLarge))
def fetch(
    context: JobContext,
    *,
    url: Url,
    method: Annotated[Method, Field(description="The request method.")] = "GET",
    body: Annotated[
        str | dict[str, JsonValue] | list[JsonValue] | None,
        Field(description="What to send: a text as it is, in UTF-8; an object or array as JSON."),
    ] = None,
    timeout: Annotated[float, Field(gt=0, le=300, description="Seconds for everything together.")] = 10,
    max_bytes: Annotated[int, Field(ge=1, le=10_000_000, description="Largest body, after decompression.")] = 1_000_000,
    headers: Annotated[
        Headers | None,
        Field(description="Request headers. After a redirect to another server, only harmless ones are sent."),
    ] = None,
    fail_on_error: Annotated[bool, Field(description="Whether a status of 400 or more fails the task.")] = True,
) -> dict[str, Json]:
    """Send a request to a URL and keep what comes back.

    Returns `url` (after redirects, without credentials), `status`, `headers`, `content_type` (without parameters),
    `elapsed_ms`, and one of `json`, `xml` (as JSON), `text`, or `bytes` with `sha256`, by the content type.
    Follows up to 5 redirects: after 303 with GET, after 307 and 308 with the same method and body. Connects only to
    public addresses and to the internal hosts that the setting TANDEM_HTTP_INTERNAL_HOSTS names (or to all but
    link-local ones, where TANDEM_HTTP_ALLOW_PRIVATE is on), and only to hosts that TANDEM_HTTP_ALLOWED_HOSTS allows.
    Ignores proxies that the environment names.

    Raises FetchFailed or one of its subclasses (`jobs/fetch/errors.py`), and Cancelled. No message shows a credential.
    """
    asked = request(method, headers or {}, body)
    return _fetch(
        context,
        urls.parse(url),
        asked,
        Deadline(timeout, lambda: context.cancelled),
        max_bytes,
        fail_on_error=fail_on_error,
    )


def _fetch(
    context: JobContext, first: Target, asked: Request, deadline: Deadline, max_bytes: int, *, fail_on_error: bool
) -> dict[str, Json]:
    started = time.perf_counter()
    target = first
    for _ in range(MOST_REDIRECTS + 1):
        hosts.check(target, settings.TANDEM_HTTP_ALLOWED_HOSTS)
        sent = http_headers.for_target(asked, target, first=first)
        with exchange(target, asked, sent, deadline=deadline, permitted=_permitted(target)) as response:
            context.log.info("%s %s: %d", asked.method, target.shown, response.status)
            location = response.headers.get("location")
            if response.status in _REDIRECTS and location:
                target = _redirected(asked, target, location)
                asked = asked.redirected(response.status)
                continue
            if fail_on_error and response.status >= 400:
                raise ErrorStatus(f"{asked.method} {target.shown} answered {_status(response.status)}.")
            body = read_body(response, max_bytes=max_bytes)
        context.progress(1, 1, f"{len(body):,} bytes")
        return _result(asked, target, response, body, elapsed=time.perf_counter() - started)
    raise RedirectRefused(f"{asked.method} {first.shown} was redirected more than {MOST_REDIRECTS} times.")


def _permitted(target: Target) -> Permitted:
    """Which addresses of the host may be connected to, by the settings."""
    return partial(
        internal.may_connect,
        target.host,
        internal=internal.parse(tuple(settings.TANDEM_HTTP_INTERNAL_HOSTS)),
        allow_private=settings.TANDEM_HTTP_ALLOW_PRIVATE,
    )


def _redirected(asked: Request, target: Target, location: str) -> Target:
    try:
        return target.follow(location)
    except ValueError as exc:
        raise RedirectRefused(f"{asked.method} {target.shown} redirects to what {exc}.") from exc


def _status(status: int) -> str:
    """The number with its registered name. The server's own text is not repeated: it may hold anything."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _result(
    asked: Request, target: Target, response: BaseHTTPResponse, body: bytes, *, elapsed: float
) -> dict[str, Json]:
    content_type = response.headers.get("content-type", "")
    return {
        "url": target.shown,
        "status": response.status,
        "headers": http_headers.shown(response.headers.items(), target),
        "content_type": media_type(content_type),
        "elapsed_ms": round(elapsed * 1000),
        **content(body, content_type=content_type, status=response.status, method=asked.method),
    }
