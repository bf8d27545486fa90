"""How long may the headers of a request take? uvicorn waits without end: `--http api.limits.slow_headers:Patient`."""

from __future__ import annotations

import asyncio
from typing import Any

from django.conf import settings
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

_ANSWER = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class Patient(H11Protocol):
    """uvicorn's HTTP/1.1. A connection on which no whole request head arrives within TANDEM_HEADER_SECONDS is closed.

    The time begins when the connection opens, and anew with the first byte of each further request. Between requests
    `--timeout-keep-alive` counts.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """The client has connected."""
        super().connection_made(transport)
        self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self._deadline is None and self._is_idle():
            self._wait_for_headers()
        super().data_received(data)
        if not self._is_idle():
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _is_idle(self) -> bool:
        """Whether no request is being answered. A connection that has become a WebSocket is not idle."""
        cycle: RequestResponseCycle | None = self.cycle
        return self.transport.get_protocol() is self and (cycle is None or cycle.response_complete)

    def _wait_for_headers(self) -> None:
        self._deadline = self.loop.call_later(settings.TANDEM_HEADER_SECONDS, self._too_late)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.write(_ANSWER)
            self.transport.close()
