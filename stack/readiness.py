"""How a process shows that it can be used: by answering."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

_POLL_SECONDS: Final = 0.05
_ANSWER_SECONDS: Final = 5.0


class Ready(Protocol):
    """A check that a process answers."""

    async def check(self) -> bool:
        """Whether it answered just now; raises OSError where nothing listens."""


@dataclass(frozen=True, slots=True)
class AnswersPing:
    """A Redis or Valkey server at a unix socket, or at a host's port. While it reads its file it answers `-LOADING`."""

    at: Path | str
    port: int = 0

    async def check(self) -> bool:
        reader, writer = await self._connected()
        try:
            writer.write(b"PING\r\n")
            return (await reader.readline()).startswith(b"+PONG")
        finally:
            writer.close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.at, Path):
            return await asyncio.open_unix_connection(str(self.at))
        return await asyncio.open_connection(self.at, self.port)


@dataclass(frozen=True, slots=True)
class AnswersAmqp:
    """An AMQP broker: to the protocol header (AMQP 0-9-1, 4.2.2) it answers with a method frame, whose type is 1."""

    host: str
    port: int

    async def check(self) -> bool:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(b"AMQP\x00\x00\x09\x01")
            return await reader.read(1) == b"\x01"
        finally:
            writer.close()


@dataclass(frozen=True, slots=True)
class AnswersHttp:
    """An HTTP server: any answer below 500 shows that the application has been loaded and is asked."""

    host: str
    port: int

    async def check(self) -> bool:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            words = (await reader.readline()).split()
            return len(words) > 1 and words[0].startswith(b"HTTP/") and words[1] < b"500"
        finally:
            writer.close()


async def until_ready(ready: Ready) -> None:
    """Returns once `ready` says yes."""
    while not await _answers(ready):  # noqa: ASYNC110 - another process cannot set our Event
        await asyncio.sleep(_POLL_SECONDS)


async def until_gone(ready: Ready, *, every: float) -> None:
    """Returns once nothing listens any more; asked after `every` seconds. What is slow to answer is busy, not gone."""
    while True:
        await asyncio.sleep(every)
        try:
            await asyncio.wait_for(ready.check(), _ANSWER_SECONDS)
        except (FileNotFoundError, ConnectionRefusedError):
            return
        except (OSError, TimeoutError):
            continue  # too busy


async def _answers(ready: Ready) -> bool:
    try:
        return await asyncio.wait_for(ready.check(), _ANSWER_SECONDS)
    except (OSError, TimeoutError):
        # Nothing listens yet, or it is too busy with starting to answer.
        return False
