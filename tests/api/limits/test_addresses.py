"""Whom a limit for addresses counts."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from api.limits.addresses import address_of


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::7", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_an_address_is_counted_with_its_neighbours_in_ipv6(given: str, counted: str) -> None:
    assert address_of(RequestFactory().get("/", REMOTE_ADDR=given)) == counted


def test_what_a_client_says_of_its_address_does_not_count() -> None:
    asked = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7", headers={"X-Forwarded-For": "10.0.0.1"})
    assert address_of(asked) == "192.0.2.7"
