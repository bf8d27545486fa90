"""URLs taken apart: what to connect to, what to ask for, and how to show it without its secrets. Pure."""

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
# RFC 3986: what may stand in a path or query unescaped, and % itself, which is already an escape.
_SAFE: Final = "%/:@!$&'()*+,;=~?"


@dataclass(frozen=True, slots=True)
class Target:
    """One http or https URL: `host` in ASCII without brackets, `path` with the query, ready to send."""

    scheme: str
    host: str
    port: int
    path: str
    authorization: str | None = field(repr=False)

    @property
    def origin(self) -> tuple[str, str, int]:
        """What decides whether two URLs are the same server (RFC 6454)."""
        return self.scheme, self.host.lower(), self.port

    @property
    def shown(self) -> str:
        """The URL to show: without user name and password, and `***` for query values that look secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        path, mark, query = self.path.partition("?")
        return f"{self.scheme}://{host}{port}{path}{mark}{'&'.join(_hidden(part) for part in query.split('&'))}"

    def follow(self, location: str) -> Target:
        """Where a `Location` header leads; a user name and password in it are not used. Raises ValueError."""
        # http.client reads headers as Latin-1; servers that send a bare path in UTF-8 mean UTF-8.
        text = location.encode("latin-1", "replace").decode("utf-8", "replace")
        host = f"[{self.host}]" if ":" in self.host else self.host
        found = parse(urljoin(f"{self.scheme}://{host}:{self.port}{self.path}", text.strip()))
        kept = self.authorization if found.origin == self.origin else None
        return Target(found.scheme, found.host, found.port, found.path, kept)


def parse(url: str) -> Target:
    """Take a URL apart. Raises ValueError that says what to write; the URL may be secret and is not repeated."""
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise ValueError("holds a space, control character or backslash: write them percent-encoded")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # The cause quotes a part of the URL, and would be kept with the traceback.
        raise ValueError("is not a URL: write https://host/path or https://host:port/path") from None
    scheme = parts.scheme
    if scheme not in {"http", "https"}:
        raise ValueError("is neither http nor https: write https://host/path")
    if port == 0:
        raise ValueError("has port 0: write a port from 1 to 65535")
    return Target(scheme, _host(parts), port or _PORTS[scheme], _path(parts), _authorization(parts))


def checked(url: str) -> str:
    """The URL unchanged; for pydantic. Raises ValueError like `parse`."""
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
