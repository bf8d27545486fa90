"""How large may the body of a request be, and how long may it take? Decided before anything reads it.

Django reads a whole body before it looks who sends it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from api.errors import MEDIA_TYPE, problem

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# What is still on its way is thrown away for so long before the connection is closed. A connection that is closed while
# bytes wait in it is reset, and the client would not see the answer.
LINGER_SECONDS: Final = 2.0

_CODES: Final = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large", HTTPStatus.REQUEST_TIMEOUT: "too_slow"}


class _Refused(Exception):
    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class BoundedBodies:
    """An ASGI application that reads at most `most` bytes of a body, for at most `seconds`; else 413 or 408.

    A body whose Content-Length is too large is not read at all. One without a length is counted as it comes.
    """

    def __init__(self, application: Application, *, most: int, seconds: float) -> None:
        self._application = application
        self._most = most
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification (3.0)."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        try:
            if _declared(scope) > self._most:
                raise _too_large(self._most)
            await self._application(scope, self._bounded(receive), send)
        except _Refused as exc:
            # Nothing was answered yet: Django answers after it has the whole body.
            log.info("%s %a: %s", scope["method"], scope["path"], exc.detail)
            await _answer(receive, send, exc)

    def _bounded(self, receive: Receive) -> Receive:
        deadline = asyncio.get_running_loop().time() + self._seconds
        read, complete = 0, False

        async def bounded() -> Message:
            nonlocal read, complete
            if complete:
                # What comes now is the news that the client has left, whenever that is.
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError as exc:
                detail = f"The body did not arrive within {self._seconds:g} seconds."
                raise _Refused(HTTPStatus.REQUEST_TIMEOUT, detail) from exc
            read += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if read > self._most:
                raise _too_large(self._most)
            return message

        return bounded


def bounded_wsgi(application: WsgiApplication, *, most: int) -> WsgiApplication:
    """A WSGI application that answers 413 if Content-Length is more than `most`. Django reads no body without it."""

    def bounded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        declared = str(environ.get("CONTENT_LENGTH") or "0")
        if not (declared.isdecimal() and int(declared) > most):
            return application(environ, start_response)
        refused = _too_large(most)
        headers = [(name.decode(), value.decode()) for name, value in _headers(refused)]
        start_response(f"{int(refused.status)} {refused.status.phrase}", headers)
        return [_body(refused)]

    return bounded


def _declared(scope: Scope) -> int:
    """Content-Length; 0 where there is none. The server has refused one that is no number."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length" and value.isdigit()), 0)


def _too_large(most: int) -> _Refused:
    return _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A request body may have at most {most:,} bytes.")


async def _answer(receive: Receive, send: Send, refused: _Refused) -> None:
    await send({"type": "http.response.start", "status": int(refused.status), "headers": _headers(refused)})
    await send({"type": "http.response.body", "body": _body(refused), "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body", False):
                pass
    await send({"type": "http.response.body", "body": b""})


def _headers(refused: _Refused) -> list[tuple[bytes, bytes]]:
    # The rest of the body is on its way: the connection cannot be used again.
    length = str(len(_body(refused))).encode()
    kind = MEDIA_TYPE.encode()
    return [
        (b"content-type", kind),
        (b"content-length", length),
        (b"connection", b"close"),
        (b"cache-control", b"no-store"),
    ]


def _body(refused: _Refused) -> bytes:
    return json.dumps(problem(refused.status, _CODES[refused.status], refused.detail)).encode()
