"""Which IP addresses are on the public internet. Pure.

The table is IANA's, written out here because `ipaddress.is_global` changes between patch releases of Python:
https://www.iana.org/assignments/iana-ipv4-special-registry and .../iana-ipv6-special-registry, with multicast
(RFC 5771), class E (RFC 1112) and the retired 6to4 relays (RFC 7526).
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

_V4_REFUSED: Final = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)

# The range from which IANA assigns global unicast addresses (RFC 4291, section 2.4). Loopback, link-local, unique
# local, site-local, multicast and IPv4-compatible addresses all lie outside of it.
_V6_GLOBAL: Final = IPv6Network("2000::/3")
_V6_REFUSED: Final = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarking, anycast of protocols
        "2001:db8::/32",
        "3fff::/20",
    )
)

_MAPPED: Final = IPv6Network("::ffff:0:0/96")  # RFC 4291, section 2.5.5.2
_NAT64: Final = IPv6Network("64:ff9b::/96")  # RFC 6052: through it a network with IPv6 only reaches public IPv4
_6TO4: Final = IPv6Network("2002::/16")  # RFC 3056


def is_public(text: str) -> bool:
    """Whether an address, as `getaddrinfo` writes it, is on the public internet.

    For an IPv6 address that contains an IPv4 one (mapped, 6to4, NAT64 with the well-known prefix), the IPv4 address
    decides. Raises ValueError if the text is not an address.
    """
    embedded = destination(text)
    if isinstance(embedded, IPv4Address):
        return not any(embedded in block for block in _V4_REFUSED)
    return embedded in _V6_GLOBAL and not any(embedded in block for block in _V6_REFUSED)


def destination(text: str) -> IPv4Address | IPv6Address:
    """The address to which packets to `text` go: the IPv4 address that an IPv6 address contains, else itself.

    Raises ValueError if the text is not an address.
    """
    address = ip_address(text.partition("%")[0])
    return _embedded(address) if isinstance(address, IPv6Address) else address


def _embedded(address: IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that `address` contains, to which its packets go; else `address`."""
    if address in _MAPPED or address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _6TO4:
        return IPv4Address(int(address) >> 80 & 0xFFFF_FFFF)
    return address
