"""Which secrets does production refuse? Those that everybody knows, and those that are missing. Pure."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote, urlsplit

from settings.broker_urls import parsed

# Django's own check (security.W009) asks for as many.
KEY_CHARACTERS: Final = 50
# 50 random hexadecimal digits have fewer different ones than this once in a million.
KEY_DIFFERENT: Final = 8
_DEFAULTS: Final = {
    "admin", "changeme", "default", "guest", "password", "postgres", "rabbitmq", "redis", "root", "secret",
    "tandem", "test",
}  # fmt: skip


def wrong_with_key(key: str) -> str:
    """What is wrong with a SECRET_KEY; '' for a good one."""
    if len(key) < KEY_CHARACTERS:
        return "is too short"
    if key.startswith("django-insecure-"):
        return "is the one that `startproject` writes"
    return "" if len(set(key)) >= KEY_DIFFERENT else "repeats a few characters"


def wrong_with_broker(url: str, *, certificate: bool) -> str:
    """What is wrong with the passwords of a BROKER_URL; '' if nothing is.

    On this machine's loopback a broker may have none. With a `certificate` of the client it needs none.
    """
    for part in parsed(url).url.split(";"):
        one = urlsplit(part)
        if not one.hostname:
            continue
        password = unquote(one.password or "")
        if not password and not certificate and not is_loopback(one.hostname):
            return "has no password, and the broker is on another machine"
        if password and is_default(one.username, password):
            return "has a default password"
    return ""


def wrong_with_database(url: str) -> str:
    """What is wrong with the password of a DATABASE_URL; '' if nothing is. PostgreSQL may ask for none."""
    one = urlsplit(url)
    password = unquote(one.password or "")
    return "has a default password" if password and is_default(one.username, password) else ""


def is_default(name: str | None, password: str) -> bool:
    """Whether everybody would try this password first."""
    return password.lower() in _DEFAULTS or password == unquote(name or "")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by its own name for itself."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
