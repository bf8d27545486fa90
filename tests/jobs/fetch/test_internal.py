"""Which addresses a fetch may connect to."""

from __future__ import annotations

import pytest

from jobs.fetch.internal import Internal, may_connect, parse

NOBODY = Internal()
LINK_LOCAL = [
    "169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::",
    "fd00:ec2::254", "0.1.2.3", "::", "224.0.0.1", "ff02::1", "255.255.255.255",
]  # fmt: skip


def permitted(host: str, address: str, *entries: str, allow_private: bool = False) -> bool:
    return may_connect(host, address, internal=parse(entries), allow_private=allow_private)


def test_public_addresses_are_always_connected_to() -> None:
    assert permitted("example.org", "8.8.8.8")
    assert permitted("example.org", "2606:4700:4700::1111")


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "192.168.1.1", "::1", "fd12::1", "100.64.0.1"])
def test_private_ones_are_not_unless_all_are_let_in(address: str) -> None:
    assert not permitted("example.org", address)
    assert permitted("example.org", address, allow_private=True)


@pytest.mark.parametrize("address", LINK_LOCAL)
def test_link_local_ones_and_what_is_no_host_never_are(address: str) -> None:
    everything = ["0.0.0.0/0", "::/0", "*.internal"]
    assert not permitted("metadata.internal", address, *everything, allow_private=True)


@pytest.mark.parametrize(
    ("host", "address", "entry", "expected"),
    [
        ("git.internal", "10.1.2.3", "git.internal", True), ("GIT.internal.", "10.1.2.3", "git.internal", True),
        ("git.internal", "10.1.2.3", "Git.Internal.", True), ("a.corp.example", "192.168.1.1", "*.corp.example", True),
        ("a.corp.example", "fd12::1", "*.corp.example", True), ("a.corp.example", "100.64.0.1", "*.corp.example", True),
        ("corp.example", "10.1.2.3", "*.corp.example", False), ("evil.example", "10.1.2.3", "git.internal", False),
        ("git.internal.evil.example", "10.1.2.3", "git.internal", False),
        # A name does not lead to this machine: that must be let in by its address.
        ("git.internal", "127.0.0.1", "git.internal", False), ("localhost", "127.0.0.1", "localhost", False),
        ("git.internal", "::ffff:127.0.0.1", "git.internal", False), ("localhost", "127.0.0.1", "127.0.0.1", True),
        ("git.internal", "198.51.100.7", "git.internal", False), ("git.internal", "240.0.0.1", "git.internal", False),
        ("anything", "10.1.2.3", "10.1.0.0/16", True), ("anything", "10.2.2.3", "10.1.0.0/16", False),
        ("anything", "::ffff:10.1.2.3", "10.1.0.0/16", True), ("anything", "fd12::1", "fd12::/16", True),
        ("10.1.2.3", "10.1.2.3", "10.1.2.3", True), ("anything", "fd13::1", "fd12::/16", False),
    ],
)  # fmt: skip
def test_internal_hosts_are_let_in_by_name_or_by_network(
    host: str, address: str, entry: str, *, expected: bool
) -> None:
    assert permitted(host, address, entry) is expected


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("10.1.0.1/16", "neither a name"), ("10.1.0.0/33", "neither a name"), ("fd12::1/16", "neither a name"),
        ("git.internal:80", "neither a name"), ("http://git.internal", "neither a name"), ("*", "neither a name"),
        ("*.*", "neither a name"), ("169.254.169.254", "never fetched from"), ("169.254.0.0/16", "never fetched from"),
        ("fe80::/64", "never fetched from"), ("0.1.2.3", "never fetched from"),
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_is_refused(entry: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse((entry,))
