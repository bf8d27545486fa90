"""Whom does a limit count? The address of a client, as the server tells it."""

from __future__ import annotations

from ipaddress import IPv6Network, ip_address

from django.http import HttpRequest


def peer_of(request: HttpRequest) -> str:
    """The client's whole address, as the server tells it (as below); '' for a Unix socket."""
    return str(request.META.get("REMOTE_ADDR") or "")[:64]


def address_of(request: HttpRequest) -> str:
    """The client's address; for IPv6 its /64, which is the least that one customer gets. '' for a Unix socket.

    Only the server's word counts: the header X-Forwarded-For is for uvicorn, which knows which proxies to trust.
    """
    given = str(request.META.get("REMOTE_ADDR") or "")
    try:
        address = ip_address(given.partition("%")[0])
    except ValueError:
        return given
    if address.version == 4:
        return given
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(IPv6Network((int(address), 64), strict=False))
