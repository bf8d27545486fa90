"""A TLS proxy in front of `web`, as the page asks for one, and a client that knows its certificate."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.sync.client import ClientConnection, connect

from tests.compose.stack import Stack
from tests.compose.stand_ins import PROXY
from tests.rest_client import RestClient

HOST: Final = "tandem.example"
PORT: Final = 8443
NAME: Final = "drill-proxy"
_PATIENCE_SECONDS: Final = 30.0
_CONFIGURATION: Final = """\
server {
    listen 443 ssl;
    server_name tandem.example;
    ssl_certificate /etc/nginx/drill/certificate.pem;
    ssl_certificate_key /etc/nginx/drill/key.pem;
    # Asked at each request: another `web` has another address.
    resolver 127.0.0.11 valid=1s;
    set $web http://web:8000;
    location / {
        proxy_pass $web;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto https;
        proxy_buffering off;
    }
}
map $http_upgrade $connection_upgrade { default upgrade; '' close; }
"""


class Proxy:
    """The proxy runs inside the block, on the network `outside` of the stack."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack, self._folder = stack, folder

    def __enter__(self) -> Client:
        self._folder.mkdir()
        (self._folder / "tandem.conf").write_text(_CONFIGURATION)
        certificate = _self_signed(self._folder)
        command = ["run", "--detach", "--name", NAME, "--network", "tandem_outside", "--restart", "unless-stopped"]
        command += ["--publish", f"127.0.0.1:{PORT}:443", "--volume", f"{self._folder}:/etc/nginx/drill:ro"]
        command += ["--volume", f"{self._folder / 'tandem.conf'}:/etc/nginx/sites-enabled/default:ro"]
        self._stack.engine.docker(*command, PROXY)
        return Client(certificate)

    def __exit__(self, *_: object) -> None:
        self._stack.engine.docker("rm", "--force", NAME)


class Client(RestClient):
    """Asks the REST API, and watches tasks, through the proxy. Its token is given later."""

    def __init__(self, certificate: Path) -> None:
        super().__init__(self._encrypted, token="")
        self._context = ssl.create_default_context(cafile=str(certificate))

    def watch(self, path: str) -> ClientConnection:
        """An open WebSocket."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return connect(f"wss://{HOST}:{PORT}/{path}", sock=_plain(), ssl=self._context, additional_headers=headers)

    def _encrypted(self) -> HTTPSConnection:
        connection = HTTPSConnection(HOST, PORT, timeout=_PATIENCE_SECONDS, context=self._context)
        # HOST is a name that only the certificate knows.
        connection.sock = self._context.wrap_socket(_plain(), server_hostname=HOST)
        return connection


def _plain() -> socket.socket:
    return socket.create_connection(("127.0.0.1", PORT), timeout=_PATIENCE_SECONDS)


def _self_signed(folder: Path) -> Path:
    """Make a key and a certificate for HOST. Returns the certificate's path."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    certificate = folder / "certificate.pem"
    certificate.write_bytes(made.public_bytes(pem))
    return certificate
