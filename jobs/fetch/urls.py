"""Parse URLs: the server to connect to, the path to request, and a form without secrets to show. Pure."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

_PORTS: Final[dict[str, int]] = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?", re.ASCII)
_SECRET: Final = re.compile(
    r"token|secret|passw|passphrase|pwd|signature|credential|api_?-?key|auth|session", re.IGNORECASE
)
_SECRET_NAMES: Final = {"key", "sig", "code", "pass", "sid"}
# RFC 3986: characters that need no escape in a path or query. % is among them: it already begins an escape.
_SAFE: Final = "%/:@!$&'()*+,;=~?"


@dataclass(frozen=True, slots=True)
class Target:
    """One http or https URL. `host` is ASCII without brackets; `path` includes the query and is ready to send."""

    scheme: str
    host: str
    port: int
    path: str
    authorization: str | None = field(repr=False)

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: two URLs with the same origin are the same server (RFC 6454)."""
        return self.scheme, self.host.lower(), self.port

    @property
    def shown(self) -> str:
        """The URL to show: without user name and password, and with `***` for query values whose names look secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        path, mark, query = self.path.partition("?")
        return f"{self.scheme}://{host}{port}{path}{mark}{'&'.join(_hidden(part) for part in query.split('&'))}"

    def follow(self, location: str) -> Target:
        """The target of a `Location` header, without its user name and password. Raises ValueError as `parse`."""
        # http.client reads headers as Latin-1, but servers that send raw bytes in a path mean UTF-8.
        text = location.encode("latin-1", "replace").decode("utf-8", "replace")
        host = f"[{self.host}]" if ":" in self.host else self.host
        found = parse(urljoin(f"{self.scheme}://{host}:{self.port}{self.path}", text.strip()))
        kept = self.authorization if found.origin == self.origin else None
        return Target(found.scheme, found.host, found.port, found.path, kept)


def parse(url: str) -> Target:
    """Parse a URL. Raises ValueError that says what to write. The message does not repeat the URL: it may be secret."""
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise ValueError("holds a space, control character or backslash: write them percent-encoded")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # "from None": the cause quotes a part of the URL, and the traceback would keep it.
        raise ValueError("is not a URL: write https://host/path or https://host:port/path") from None
    scheme = parts.scheme
    if scheme not in {"http", "https"}:
        raise ValueError("is neither http nor https: write https://host/path")
    if port == 0:
        raise ValueError("has port 0: write a port from 1 to 65535")
    return Target(scheme, _host(parts), port or _PORTS[scheme], _path(parts), _authorization(parts))


def checked(url: str) -> str:
    """Validator for pydantic: the URL unchanged. Raises ValueError as `parse`."""
    parse(url)
    return url


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" in host:
        try:
            return str(IPv6Address(host))
        except ValueError:
            raise ValueError("has no valid IPv6 address in its brackets") from None
    try:
        name = host.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("has a host that is no domain name") from None
    if not _HOST.fullmatch(name):
        raise ValueError("has no valid host: write https://host/path")
    return name


def _path(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe=_SAFE.replace("?", ""))
    return f"{path}?{quote(parts.query, safe=_SAFE)}" if parts.query else path


def _authorization(parts: SplitResult) -> str | None:
    """The Basic credentials (RFC 7617) of `user:password@`."""
    if parts.username is None:
        return None
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {b64encode(pair.encode()).decode('ascii')}"


def _hidden(part: str) -> str:
    name, mark, _ = part.partition("=")
    plain = unquote(name)
    secret = _SECRET.search(plain) or plain.lower() in _SECRET_NAMES
    return f"{name}=***" if secret and mark else part
