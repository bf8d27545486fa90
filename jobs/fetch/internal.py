"""Which addresses may a fetch connect to? Public ones, and those that the settings let in. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from jobs.fetch.addresses import destination, is_public

Network = IPv4Network | IPv6Network

# Link-local addresses reach what hands out a cloud machine's own credentials (169.254.169.254), and so does Amazon's
# fd00:ec2::254. The others are no address of one host. No setting lets them in.
_NEVER: Final[tuple[Network, ...]] = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("169.254.0.0/16"),
    IPv4Network("224.0.0.0/4"),
    IPv4Network("255.255.255.255/32"),
    IPv6Network("::/128"),
    IPv6Network("fd00:ec2::254/128"),
    IPv6Network("fe80::/10"),
    IPv6Network("ff00::/8"),
)
# What a name may lead to: private networks (RFC 1918, RFC 6598, RFC 4193). This machine must be let in by address.
_PRIVATE: Final[tuple[Network, ...]] = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("fc00::/7"),
)


@dataclass(frozen=True, slots=True)
class Internal:
    """The internal hosts of the setting TANDEM_HTTP_INTERNAL_HOSTS: patterns of names, and networks."""

    names: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    def admits(self, host: str, address: IPv4Address | IPv6Address) -> bool:
        """Whether `address`, to which the name `host` leads, is an internal host."""
        if _in(address, self.networks):
            return True
        name = host.lower().rstrip(".")
        return _in(address, _PRIVATE) and any(fnmatchcase(name, pattern) for pattern in self.names)


@lru_cache(maxsize=8)
def parse(entries: tuple[str, ...]) -> Internal:
    """Names (`git.internal`, `*.corp.example`), addresses and networks (`10.1.2.3`, `10.1.0.0/16`, `fd12::/16`).

    Raises ValueError that says what to write.
    """
    names, networks = [], []
    for entry in entries:
        try:
            network = ip_network(entry)
        except ValueError:
            names.append(_name(entry))
        else:
            networks.append(_network(network))
    return Internal(tuple(names), tuple(networks))


def may_connect(host: str, text: str, *, internal: Internal, allow_private: bool) -> bool:
    """Whether a fetch of `host` may connect to the address `text`, to which that name leads.

    Raises ValueError if the text is not an address.
    """
    if is_public(text):
        return True
    address = destination(text)
    if _in(address, _NEVER) or _in(ip_address(text.partition("%")[0]), _NEVER):
        return False
    return allow_private or internal.admits(host, address)


def _name(entry: str) -> str:
    pattern = entry.lower().rstrip(".")
    if "/" in entry or ":" in entry or not pattern.strip("*."):
        raise ValueError(f"{entry!r} is neither a name like *.corp.example nor a network like 10.1.0.0/16")
    return pattern


def _network(network: Network) -> Network:
    if any(network.version == never.version and network.subnet_of(never) for never in _NEVER):  # type: ignore[arg-type]  # of one version
        raise ValueError(f"{network} is never fetched from: it is link-local, or no address of one host")
    return network


def _in(address: IPv4Address | IPv6Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
