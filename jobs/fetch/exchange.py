"""One request to one server over one connection.

The host is looked up once, every address is checked, and the socket is connected to a checked address. urllib3 gets
that socket and never looks a name up. So an attack that changes the name between check and use (DNS rebinding) does
not work. Checking `getpeername()` after connecting would protect the data too, but the connection itself would already
show which ports of the private network are open.

There is no connection pool and no proxy: urllib3 uses a proxy only if its caller passes one.
"""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final, TypeVar, cast

from urllib3 import BaseHTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, ReadTimeoutError

from jobs.fetch.deadline import Deadline, TimedSocket, TimedTlsSocket
from jobs.fetch.errors import AddressRefused, FetchFailed, TooLarge, UnreadableContent
from jobs.fetch.requests import Request
from jobs.fetch.urls import Target
from scheduling.storable import storable_text

# Bytes read at once: between two reads the limit is looked at.
_CHUNK: Final = 65_536
_ENCODINGS: Final = {"", "identity", "gzip", "x-gzip", "deflate"}

T = TypeVar("T")
Permitted = Callable[[str], bool]
SocketAddress = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]


@contextmanager
def exchange(
    target: Target, request: Request, headers: Mapping[str, str], *, deadline: Deadline, permitted: Permitted
) -> Iterator[BaseHTTPResponse]:
    """Send the request and give the response, its body not yet read. The connection is closed at the end of the block.

    `permitted` says of each address of the host whether it may be connected to; all of them must be.

    Raises AddressRefused, DeadlinePassed, Cancelled or FetchFailed, also for errors while the block reads the body.
    """
    try:
        with _connected(target, deadline, permitted) as sock:
            connection = _http_connection(sock, target, deadline)
            try:
                connection.request(request.method, target.path, request.body, headers, preload_content=False)
                with connection.getresponse() as response:
                    yield response
            finally:
                connection.close()
    except (TimeoutError, ReadTimeoutError) as exc:
        raise deadline.error() from exc
    except (HTTPError, http.client.HTTPException, OSError, ValueError) as exc:
        raise FetchFailed(f"{request.method} {target.shown} failed: {_reason(exc)}") from exc


def read_body(response: BaseHTTPResponse, *, max_bytes: int) -> bytes:
    """The decoded body. At most one byte more than `max_bytes` is decoded, which makes a compressed bomb harmless.

    Raises TooLarge, DeadlinePassed, Cancelled, UnreadableContent for an encoding that was not asked for, and what
    urllib3 raises.
    """
    encodings = {part.strip().lower() for part in response.headers.get("content-encoding", "").split(",")}
    if not encodings <= _ENCODINGS:
        raise UnreadableContent("The server encoded its answer in a way that was not asked for (asked: gzip, deflate).")
    body = bytearray()
    while chunk := response.read(min(_CHUNK, max_bytes + 1 - len(body)), decode_content=True):
        body += chunk
        if len(body) > max_bytes:
            raise TooLarge(f"The answer is larger than {max_bytes:,} bytes (parameter max_bytes).")
    return bytes(body)


def _http_connection(sock: TimedSocket, target: Target, deadline: Deadline) -> HTTPConnection:
    """A connection of urllib3 that uses `sock`, over TLS for https, and never opens another socket."""
    if target.scheme == "http":
        plain = HTTPConnection(target.host, target.port, timeout=deadline.left())
        plain.auto_open = 0
        plain.sock = sock
        return plain
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    secure = HTTPSConnection(target.host, target.port, timeout=deadline.left(), ssl_context=context)
    sock.settimeout(deadline.left())
    context.sslsocket_class = TimedTlsSocket
    # The socket's time-out bounds the whole handshake.
    wrapped = cast("TimedTlsSocket", context.wrap_socket(sock, server_hostname=target.host.rstrip(".")))
    wrapped.deadline = deadline
    secure.auto_open = 0
    secure.sock = wrapped
    return secure


@contextmanager
def _connected(target: Target, deadline: Deadline, permitted: Permitted) -> Iterator[TimedSocket]:
    """A TCP connection to a checked address of the host."""
    addresses = _looked_up(target, deadline)
    if not all(permitted(str(address[0])) for _, address in addresses):
        # The message does not show the address: it would tell a user how the private network resolves the name.
        raise AddressRefused(
            f"{target.host} has an address that is private, local or reserved: only public ones are fetched "
            "(settings TANDEM_HTTP_INTERNAL_HOSTS, TANDEM_HTTP_ALLOW_PRIVATE)."
        )
    sock = _first_answering(addresses, deadline)
    try:
        yield sock
    finally:
        sock.close()


def _first_answering(addresses: list[tuple[int, SocketAddress]], deadline: Deadline) -> TimedSocket:
    """Connect to the first address that answers. Each gets its share of the time left, so that all are tried."""
    failure: OSError = OSError("the host has no address")
    for index, (family, address) in enumerate(addresses):
        sock = TimedSocket(family, socket.SOCK_STREAM)
        sock.deadline = deadline
        try:
            sock.settimeout(deadline.left() / (len(addresses) - index))
            sock.connect(address)
        except OSError as exc:
            sock.close()
            failure = exc
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure


def _looked_up(target: Target, deadline: Deadline) -> list[tuple[int, SocketAddress]]:
    """The host's addresses. The lookup runs in a thread, because `getaddrinfo` takes no time-out."""
    answers: queue.SimpleQueue[list[tuple[int, SocketAddress]] | OSError | UnicodeError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
            answers.put([(family, address) for family, _, _, _, address in found])
        except (OSError, UnicodeError) as exc:
            answers.put(exc)

    threading.Thread(target=look_up, name=f"look up {target.host}", daemon=True).start()
    answer = _awaited(answers, deadline)
    if isinstance(answer, Exception):
        raise answer
    return answer


def _awaited(answers: queue.SimpleQueue[T], deadline: Deadline) -> T:
    while True:
        with suppress(queue.Empty):
            return answers.get(timeout=deadline.pause())


def _reason(exc: Exception) -> str:
    if isinstance(exc, socket.gaierror):
        return "the host name was not found"
    return f"{type(exc).__name__}: {storable_text(str(exc))[:300]}"
