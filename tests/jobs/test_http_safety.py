"""Addresses that http.fetch refuses, its time limit, and secrets that it never shows."""

import errno
import socket
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress

import pytest
from pytest_django import Settings

from jobs.fetch.errors import AddressRefused, DeadlinePassed, FetchFailed
from scheduling.registry import definition
from tests.jobs.contexts import Recorder
from tests.jobs.sites import CERTIFICATE, Page, Site, Speak, conversation, site

SOON = 0.4
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


@pytest.fixture
def here() -> Iterator[Site]:
    with site() as running:
        running.add("/", Page(b"inside"))
        yield running


def fetch(url: str, **parameters: object) -> object:
    return definition("http.fetch").run(Recorder().context, {"url": url, **parameters})  # type: ignore[dict-item]  # tests pass JSON


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::]",
    ],
)
def test_every_way_to_write_this_machine_is_refused(here: Site, settings: Settings, host: str) -> None:
    settings.TANDEM_HTTP_ALLOW_PRIVATE = False
    with pytest.raises(AddressRefused, match="private, local or reserved"):
        fetch(here.url("/", host=host))
    assert here.requests == []


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "169.254.169.254", "192.168.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::a00:1]"]
)
def test_private_networks_are_refused_before_connecting(settings: Settings, host: str) -> None:
    settings.TANDEM_HTTP_ALLOW_PRIVATE = False
    with pytest.raises(AddressRefused):
        fetch(f"http://{host}/")


def test_no_connection_to_a_refused_address_is_made(settings: Settings) -> None:
    settings.TANDEM_HTTP_ALLOW_PRIVATE = False
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        with pytest.raises(AddressRefused):
            fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_redirect_to_a_private_address_is_refused(settings: Settings, here: Site) -> None:
    # The first server must be reachable, so private addresses are refused only after its answer.
    settings.TANDEM_HTTP_ALLOW_PRIVATE = True

    def speak(client: socket.socket, _: threading.Event) -> None:
        client.recv(65_536)
        settings.TANDEM_HTTP_ALLOW_PRIVATE = False
        client.sendall(f"HTTP/1.1 302 Found\r\nLocation: {here.url('/')}\r\nContent-Length: 0\r\n\r\n".encode())

    with conversation(speak) as port, pytest.raises(AddressRefused):
        fetch(f"http://127.0.0.1:{port}/")
    assert here.requests == []


def test_an_internal_host_is_fetched_from_without_opening_the_others(settings: Settings, here: Site) -> None:
    settings.TANDEM_HTTP_ALLOW_PRIVATE = False
    settings.TANDEM_HTTP_INTERNAL_HOSTS = ["127.0.0.1/32", "*.corp.example"]
    found = fetch(here.url("/"))
    assert isinstance(found, dict)
    assert found["text"] == "inside"
    for host in ("127.0.0.2", "10.0.0.1"):
        with pytest.raises(AddressRefused, match="TANDEM_HTTP_INTERNAL_HOSTS"):
            fetch(here.url("/", host=host))
    assert len(here.requests) == 1


def test_an_internal_host_does_not_lead_to_another_one(settings: Settings, here: Site) -> None:
    settings.TANDEM_HTTP_ALLOW_PRIVATE = False
    settings.TANDEM_HTTP_INTERNAL_HOSTS = ["127.0.0.1"]
    with pytest.raises(AddressRefused):
        fetch(here.redirect("/away", here.url("/", host="127.0.0.2")))
    assert len(here.requests) == 1


def test_a_name_that_changes_after_it_was_checked_changes_nothing(
    settings: Settings, here: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TANDEM_HTTP_ALLOW_PRIVATE = False
    settings.TANDEM_HTTP_INTERNAL_HOSTS = ["127.0.0.1"]
    answers = iter(["127.0.0.1", "127.0.0.2", "127.0.0.2"])

    def rebound(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), here.port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    fetch(here.url("/", host="git.example"))
    with pytest.raises(AddressRefused):
        fetch(here.url("/", host="git.example"))
    assert len(here.requests) == 1


def says_nothing(client: socket.socket, over: threading.Event) -> None:
    over.wait()


def stops_in_the_body(client: socket.socket, over: threading.Event) -> None:
    client.sendall(HEAD + b"Content-Length: 100\r\n\r\nhalf")
    over.wait()


def stops_in_a_body_without_length(client: socket.socket, over: threading.Event) -> None:
    client.sendall(HEAD + b"Connection: close\r\n\r\nhalf")
    over.wait()


def trickles(client: socket.socket, over: threading.Event, *, head: bytes, drop: bytes) -> None:
    client.sendall(head)
    while not over.wait(0.02):
        client.sendall(drop)


def trickles_headers(client: socket.socket, over: threading.Event) -> None:
    trickles(client, over, head=HEAD + b"X: ", drop=b"a")


def trickles_a_body(client: socket.socket, over: threading.Event) -> None:
    trickles(client, over, head=HEAD + b"Content-Length: 100000\r\n\r\n", drop=b"a")


def keeps_saying_continue(client: socket.socket, over: threading.Event) -> None:
    while not over.is_set():
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


@pytest.mark.parametrize(
    "speak",
    [
        says_nothing,
        stops_in_the_body,
        stops_in_a_body_without_length,
        trickles_headers,
        trickles_a_body,
        keeps_saying_continue,
    ],
)
@pytest.mark.parametrize("tls", [False, True])
def test_the_deadline_is_for_everything_together(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, speak: Speak, *, tls: bool
) -> None:
    settings.TANDEM_HTTP_ALLOW_PRIVATE = True
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with conversation(speak, tls=tls) as port, pytest.raises(DeadlinePassed, match=r"0\.4 s"):
        fetch(f"{'https' if tls else 'http'}://127.0.0.1:{port}/", timeout=SOON)


def test_a_handshake_that_does_not_end_meets_the_deadline(settings: Settings) -> None:
    settings.TANDEM_HTTP_ALLOW_PRIVATE = True
    with conversation(says_nothing) as port, pytest.raises(DeadlinePassed):
        fetch(f"https://127.0.0.1:{port}/", timeout=SOON)


def test_the_deadline_holds_across_redirects(settings: Settings, here: Site) -> None:
    settings.TANDEM_HTTP_ALLOW_PRIVATE = True
    with conversation(says_nothing) as port:
        here.redirect("/", f"http://127.0.0.1:{port}/")
        with pytest.raises(DeadlinePassed, match=r"0\.4 s"):
            fetch(here.url("/"), timeout=SOON)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        HEAD + b"Content-Length: 100\r\n\r\nhalf",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
)
def test_an_answer_that_is_not_http_or_breaks_off_fails(settings: Settings, answer: bytes) -> None:
    settings.TANDEM_HTTP_ALLOW_PRIVATE = True

    def speak(client: socket.socket, _: threading.Event) -> None:
        client.recv(65_536)
        with suppress(OSError):
            client.sendall(answer)

    with conversation(speak) as port, pytest.raises(FetchFailed, match="failed"):
        fetch(f"http://127.0.0.1:{port}/", timeout=20)


def test_a_port_nobody_listens_on_fails(settings: Settings) -> None:
    settings.TANDEM_HTTP_ALLOW_PRIVATE = True
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(FetchFailed, match=str(errno.ECONNREFUSED)):
            fetch(f"http://127.0.0.1:{unused.getsockname()[1]}/")


def test_credentials_are_neither_in_the_message_nor_in_the_traceback(settings: Settings, here: Site) -> None:
    settings.TANDEM_HTTP_ALLOW_PRIVATE = True
    # Put together here, so that the lines of code in a traceback do not hold it.
    secret = "-".join(["hunter", "2"])

    def speak(client: socket.socket, _: threading.Event) -> None:
        client.recv(65_536)

    with conversation(speak) as port:
        urls = [
            f"http://user:{secret}@127.0.0.1:{port}/?token={secret}",
            here.url(f"/missing?token={secret}", userinfo=f"user:{secret}@"),
            here.redirect("/away", f"ftp://user:{secret}@127.0.0.1/"),
            f"http://user:{secret}@127.0.0.1:1/",
        ]
        for url in urls:
            with pytest.raises(FetchFailed) as caught:
                fetch(url, headers={"X-Api-Key": secret})
            assert secret not in "".join(traceback.format_exception(caught.value))
