"""A mail server on a free loopback port, with the part of RFC 5321 that the client uses."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage

from tests.jobs.sites import server_tls


@dataclass
class Delivery:
    """One message, with the addresses of its envelope."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        parsed = email.message_from_bytes(self.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class MailServer:
    """A running mail server: its port, the messages it got, and the addresses it refuses."""

    port: int
    deliveries: list[Delivery] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)


class _Server(socketserver.ThreadingTCPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.served = MailServer(port=self.server_address[1])


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, _Server)
        self.served = self.server.served
        self.sender, self.recipients = "", list[str]()
        self.say("220 localhost ready")
        while line := self.rfile.readline(2000):
            verb, _, rest = line.decode("ascii").strip().partition(" ")
            if verb.upper() == "QUIT":
                self.say("221 bye")
                return
            self.say(self.answer(verb.upper(), rest.partition(":")[2].partition(" ")[0].strip("<>")))

    def answer(self, verb: str, path: str) -> str:
        match verb:
            case "MAIL":
                self.sender, self.recipients = path, []
            case "RCPT" if path in self.served.refused:
                return "550 nobody of that name here"
            case "RCPT":
                self.recipients.append(path)
            case "DATA":
                self.say("354 go on")
                self.served.deliveries.append(Delivery(self.sender, self.recipients, self.data()))
            case "EHLO" | "HELO" | "RSET" | "NOOP":
                return "250 localhost"
            case _:
                return "500 what?"
        return "250 fine"

    def data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline(2000)) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode("ascii"))


@contextmanager
def mail_server(*, tls: bool = False) -> Iterator[MailServer]:
    """A running server; with `tls` for localhost, under the certificate in CERTIFICATE."""
    with _Server() as server:
        if tls:
            server.socket = server_tls().wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.served
        finally:
            server.shutdown()
            thread.join()
