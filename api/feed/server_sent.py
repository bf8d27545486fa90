"""Live status of one task as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import StreamingHttpResponse
from rest_framework.exceptions import ErrorDetail, NotAcceptable, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from api.feed.messages import Update
from api.feed.reader import reader
from api.feed.streams import task_updates
from api.feed.subscriptions import SlowClient
from scheduling.errors import NotFound

EVENT_STREAM: Final = "text/event-stream"
# When nothing happens, a comment keeps proxies from taking the connection for dead.
HEARTBEAT_SECONDS: Final = 15.0
# How long a client waits before it connects again, in milliseconds.
RETRY_MILLISECONDS: Final = 2000


class EventStreamRenderer(JSONRenderer):
    """Lets a view take `Accept: text/event-stream`. What it renders are errors, which are JSON all the same."""

    media_type = EVENT_STREAM
    format = "event-stream"


def wants_stream(request: Request) -> bool:
    """Whether the client asks for a stream and not for a list."""
    return bool(request.accepted_renderer.media_type == EVENT_STREAM)


def after(request: Request) -> int | None:
    """The number to go on after: `Last-Event-ID` of a client that connects again, else `?after=`.

    Raises ValidationError where that is no number.
    """
    header = request.headers.get("Last-Event-ID", "") if wants_stream(request) else ""
    given = header or request.query_params.get("after")
    if given is None:
        return None
    if not re.fullmatch("[0-9]{1,18}", given):
        raise ValidationError({"after": [ErrorDetail("Write the number of an event.", "invalid")]})
    return int(given)


def event_stream(request: Request, task_id: int) -> StreamingHttpResponse:
    """The response; see task_updates. The `id` of each event is its number, which Last-Event-ID sends back.

    Raises NotAcceptable where no ASGI server runs. The stream ends when the client is too slow: it resumes.
    """
    if not isinstance(request._request, ASGIRequest):  # noqa: SLF001 - DRF's own way to the request it wraps
        raise NotAcceptable("A stream of events needs an ASGI server: ask for application/json.")
    response = StreamingHttpResponse(_stream(task_id, after(request)), content_type=EVENT_STREAM)
    # The request's thread has nothing more to ask: a connection must not be kept for as long as the stream.
    connection.close()
    response.headers["Cache-Control"] = "no-cache"
    # nginx would collect the events.
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def _stream(task_id: int, after: int | None) -> AsyncIterator[str]:
    # The queue of a client that does not read is emptied; the stream ends when it reads again.
    async with reader().subscription(task_id, overflowed=lambda: None) as subscription:
        yield f"retry: {RETRY_MILLISECONDS}\n\n"
        updates = task_updates(subscription, task_id, after=after)
        async with aclosing(_with_heartbeats(updates)) as texts:
            async for text in texts:
                yield text


async def _with_heartbeats(updates: AsyncGenerator[Update, None]) -> AsyncGenerator[str, None]:
    coming: asyncio.Future[Update] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(updates))
            done, _ = await asyncio.wait({coming}, timeout=HEARTBEAT_SECONDS)
            if done:
                update, coming = coming.result(), None
                yield f"id: {update.number}\ndata: {update.text}\n\n"
            else:
                yield ":\n\n"
    except (SlowClient, NotFound):
        return
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait({coming})
        await updates.aclose()
