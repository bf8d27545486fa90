"""Parse BROKER_URL. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, NoReturn
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured

BrokerKind = Literal["embedded", "redis", "rabbitmq"]

DEFAULT_PREFIX: Final = "tandem:"

_FORMS: Final = (
    "embedded:, redis://host:6379/0, rediss://host:6379/0, redis+socket:///path/to/socket, "
    "sentinel://host:26379;host:26379/service, amqp://user:password@host:5672/vhost or amqps://... "
    "(several hosts of RabbitMQ: amqp://...;amqp://...; percent-encode special characters)"
)
_KINDS: Final[dict[str, BrokerKind]] = {
    "redis": "redis",
    "rediss": "redis",
    "redis+socket": "redis",
    "sentinel": "redis",
    "amqp": "rabbitmq",
    "amqps": "rabbitmq",
}
_NUMBER: Final = re.compile(r"[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    """A checked BROKER_URL.

    `url` is in kombu's form (empty for the embedded broker), `service` is Redis Sentinel's name for the master,
    `prefix` begins every key in Redis, and `hosts` is the number of hosts in the URL.
    """

    kind: BrokerKind
    url: str = ""
    encrypted: bool = False
    prefix: str = DEFAULT_PREFIX
    service: str = ""
    hosts: int = 1


def parsed(url: str) -> BrokerUrl:
    """Parse `url`. Raises ImproperlyConfigured that says what to write, without repeating the URL: it is a secret."""
    if url == "embedded:":
        return BrokerUrl("embedded")
    scheme, separator, _ = url.partition("://")
    found = _KINDS.get(scheme)
    if found is None or not separator:
        _refuse("")
    try:
        if found == "rabbitmq":
            return _amqp(url, scheme)
        return _sentinel(url) if scheme == "sentinel" else _redis(url, scheme)
    except ValueError as exc:
        # The message of urllib is left out: it quotes what it cannot read, which may be a part of the password.
        raise _refusal("") from exc


def _redis(url: str, scheme: str) -> BrokerUrl:
    parts = urlsplit(url)
    prefix, query = _prefix(parts)
    if scheme == "redis+socket":
        if not parts.path.strip("/") or parts.hostname:
            _refuse("redis+socket: needs the absolute path of a socket, after three slashes")
    elif not parts.hostname:
        _refuse("it names no host")
    elif not re.fullmatch(r"/?[0-9]*", parts.path, re.ASCII):
        _refuse("what follows the host of Redis is the number of a database")
    _ = parts.port  # raises ValueError if it is not a port
    # Put together by hand: urllib drops the slashes before an empty host.
    bare = url.partition("?")[0] + (f"?{query}" if query else "")
    return BrokerUrl("redis", bare, encrypted=scheme == "rediss", prefix=prefix)


def _sentinel(url: str) -> BrokerUrl:
    parts = urlsplit(url)
    service = parts.path.strip("/")
    login, at, hosts = parts.netloc.rpartition("@")
    names = [name for name in hosts.split(";") if name]
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    database = query.get("db", "0")
    if set(query) - {"db", "prefix"}:
        _refuse("the query of Redis Sentinel may hold db= and prefix= only")
    if not re.fullmatch(r"[\w.-]*", service, re.ASCII):
        _refuse(
            "the hosts of Redis Sentinel follow one scheme and one login: sentinel://:password@a:26379;b:26379/service"
        )
    if not names or not service or not _NUMBER.fullmatch(database):
        _refuse("Redis Sentinel needs hosts and the name of the service, ?db= is a number")
    each = [f"sentinel://{login}{at}{name}/{database}" for name in names]
    for one in each:
        _ = urlsplit(one).port  # raises ValueError if it is not a port
    prefix = query.get("prefix", DEFAULT_PREFIX)
    return BrokerUrl("redis", ";".join(each), prefix=prefix, service=service, hosts=len(names))


def _amqp(url: str, scheme: str) -> BrokerUrl:
    each = [one for one in url.split(";") if one]
    for one in each:
        parts = urlsplit(one)
        if parts.scheme != scheme or not parts.hostname:
            _refuse("each of several hosts needs a whole URL, all with the same scheme")
        if parts.query:
            _refuse("TLS files are named by BROKER_TLS_CA, BROKER_TLS_CERT and BROKER_TLS_KEY, not in the URL")
        _ = parts.port  # raises ValueError if it is not a port
    # RabbitMQ's own name for the one that an address without a path means is `/`.
    if len({unquote(urlsplit(one).path[1:]) or "/" for one in each}) > 1:
        _refuse("the hosts of one cluster have the same virtual host")
    return BrokerUrl("rabbitmq", ";".join(each), encrypted=scheme == "amqps", hosts=len(each))


def _prefix(parts: SplitResult) -> tuple[str, str]:
    """The key prefix, and the query without it."""
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    prefix = query.pop("prefix", DEFAULT_PREFIX)
    if unknown := set(query) - {"virtual_host"}:
        said = "TLS files are named by BROKER_TLS_CA, BROKER_TLS_CERT and BROKER_TLS_KEY, not in the URL; "
        _refuse(
            (said if any(name.startswith("ssl_") for name in unknown) else "")
            + "its query may hold prefix= and virtual_host= only"
        )
    return prefix, urlencode(query)


def _refuse(why: str) -> NoReturn:
    raise _refusal(why)


def _refusal(why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"BROKER_URL is not usable: write {_FORMS}.{f' Here {why}.' if why else ''}")
