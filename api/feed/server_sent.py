"""How is the live status of a task sent as server-sent events?

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any, Final

from asgiref.sync import SyncToAsync
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.http import StreamingHttpResponse
from rest_framework.exceptions import APIException, ErrorDetail, NotAcceptable, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from api.feed.connections import TooManyConnections, Visitor, connections, is_full
from api.feed.messages import Update
from api.feed.reader import reader
from api.feed.streams import task_updates
from api.feed.subscriptions import SlowClient
from api.models import ApiToken
from scheduling import caller
from scheduling.errors import NotFound

EVENT_STREAM: Final = "text/event-stream"
# Without an event for this long, a comment is sent, so that proxies do not close the connection.
HEARTBEAT_SECONDS: Final = 15.0
# How long a client waits before it reconnects, in milliseconds.
RETRY_MILLISECONDS: Final = 2000


class TooManyStreams(APIException):
    """The token has as many live connections to this process as are allowed."""

    status_code = 429
    default_detail = "Too many live connections with this token: close one."
    default_code = "too_many_connections"


class EventStreamRenderer(JSONRenderer):
    """Lets a view accept `Accept: text/event-stream`. It renders only errors, as JSON."""

    media_type = EVENT_STREAM
    format = "event-stream"


def wants_stream(request: Request) -> bool:
    """Whether the client asks for a stream, not for a list."""
    return bool(request.accepted_renderer.media_type == EVENT_STREAM)


def after(request: Request) -> int | None:
    """The number of the last event that the client has: `Last-Event-ID` of a client that reconnects, else `?after=`.

    None if the client sent neither. Raises ValidationError for what is not a number.
    """
    header = request.headers.get("Last-Event-ID", "") if wants_stream(request) else ""
    given = header or request.query_params.get("after")
    if given is None:
        return None
    if not re.fullmatch("[0-9]{1,18}", given):
        raise ValidationError({"after": [ErrorDetail("Write the number of an event, such as 3.", "invalid")]})
    return int(given)


def event_stream(request: Request, task_id: int) -> StreamingHttpResponse:
    """The response with the updates of `task_updates`. The `id` of each event is its number.

    A client sends that number back in Last-Event-ID when it reconnects. If a client reads too slowly, the stream ends,
    and the client can resume. It ends as well when the token is not valid any more. Raises NotAcceptable if the server
    is not an ASGI server, and TooManyStreams.
    """
    if not isinstance(request._request, ASGIRequest):  # noqa: SLF001 - DRF has no public name for it
        raise NotAcceptable("This server is not an ASGI server and cannot stream events: ask for application/json.")
    user: Any = request.user
    token_id = request.auth.pk if isinstance(request.auth, ApiToken) else None
    visitor = Visitor(user.pk, token_id, caller.access())
    if is_full(visitor):
        raise TooManyStreams
    response = StreamingHttpResponse(_stream(task_id, after(request), visitor), content_type=EVENT_STREAM)
    # This thread makes no more queries. Its database connection must not stay open as long as the stream.
    connection.close()
    response.headers["Cache-Control"] = "no-store"
    # Without this header nginx buffers the events.
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _give_thread_back() -> None:
    """End the thread that Django's ASGI handler keeps for this request until its response has been sent.

    The handler starts another one when it closes the response.
    """
    context = SyncToAsync.thread_sensitive_context.get(None)
    executor = None if context is None else SyncToAsync.context_to_thread_executor.pop(context, None)
    if executor is not None:
        executor.shutdown(wait=False)


async def _stream(task_id: int, after: int | None, visitor: Visitor) -> AsyncIterator[str]:
    _give_thread_back()
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    try:
        # If the client does not read, its queue overflows and is emptied. The stream ends when the client reads again.
        async with (
            connections().place(visitor, partial(_end, over)),
            reader().subscription(task_id, lambda: None, visitor.access) as subscription,
        ):
            yield f"retry: {RETRY_MILLISECONDS}\n\n"
            updates = task_updates(subscription, task_id, after=after)
            async with aclosing(_with_heartbeats(updates, over)) as texts:
                async for text in texts:
                    yield text
    except TooManyConnections:
        # Many came at once, after the first look. The client connects again, and is told then.
        return


def _end(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)


async def _with_heartbeats(
    updates: AsyncGenerator[Update, None], over: asyncio.Future[None]
) -> AsyncGenerator[str, None]:
    pending: asyncio.Future[Update] | None = None
    try:
        while not over.done():
            pending = pending or asyncio.ensure_future(anext(updates))
            waited: set[asyncio.Future[Any]] = {pending, over}
            done, _ = await asyncio.wait(waited, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if pending in done:
                update, pending = pending.result(), None
                yield f"id: {update.number}\ndata: {update.text}\n\n"
            elif not done:
                yield ":\n\n"
    except (SlowClient, NotFound):
        return
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.wait({pending})
        await updates.aclose()
