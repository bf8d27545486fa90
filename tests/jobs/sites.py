"""Real servers on a free port of the loopback interface."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CERTIFICATE = Path(__file__).parent / "certificate" / "localhost.pem"

Speak = Callable[[socket.socket, threading.Event], None]


def server_tls() -> ssl.SSLContext:
    """The TLS context of a server with the certificate in CERTIFICATE."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context


@dataclass(frozen=True)
class Page:
    """The answer of a path."""

    body: bytes = b""
    content_type: str = "text/plain"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """Pages by path, and the requests that came."""

    port: int
    pages: dict[str, Page] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    def url(self, path: str, *, host: str = "127.0.0.1", userinfo: str = "", scheme: str = "http") -> str:
        return f"{scheme}://{userinfo}{host}:{self.port}{path}"

    def add(self, path: str, page: Page) -> str:
        """Add a page at the path. Returns its URL."""
        self.pages[path] = page
        return self.url(path)

    def redirect(self, path: str, to: str, *, status: int = 302) -> str:
        """Add a redirect at the path. Returns its URL."""
        return self.add(path, Page(status=status, headers={"Location": to}))


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing: in many of these tests the client closes the connection early."""


@contextmanager
def site(*, tls: bool = False) -> Iterator[Site]:
    """A running site without pages; with `tls` under the certificate in CERTIFICATE."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            served.methods.append(self.command)
            served.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            served.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            page = served.pages.get(self.path.partition("?")[0], Page(b"nothing here", status=404))
            self.send_response(page.status)
            if page.content_type:
                self.send_header("Content-Type", page.content_type)
            self.send_header("Content-Length", str(len(page.body)))
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(page.body)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815 - the names are http.server's

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = server_tls().wrap_socket(server.socket, server_side=True)
    served = Site(port=server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def conversation(speak: Speak, *, tls: bool = False) -> Iterator[int]:
    """The port of a server for one connection, which `speak` handles. Its event is set when the test is over."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError), listener.accept()[0] as client:
            if tls:
                with server_tls().wrap_socket(client, server_side=True) as secured:
                    speak(secured, over)
            else:
                speak(client, over)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        # Wakes an accept() that nobody connected to.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
