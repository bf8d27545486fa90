"""What looks like a secret, and what does not."""

from __future__ import annotations

import pytest

from scheduling.likely_secrets import MASK
from scheduling.masking import masked
from scheduling.storable import Json


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"password": "x", "url": "https://example.org"}, {"password": MASK, "url": "https://example.org"}),
        ({"headers": {"X-Api-Key": "k", "Accept": "a/b"}}, {"headers": {"X-Api-Key": MASK, "Accept": "a/b"}}),
        (["--header", "Authorization: Bearer abc"], ["--header", f"Authorization: Bearer {MASK}"]),
        ("postgres://ada:pw@db/x", f"postgres://{MASK}@db/x"),
        ({"token": None, "n": 1}, {"token": None, "n": 1}),
        ({"text": "a basic idea"}, {"text": f"a basic {MASK}"}),
    ],
)  # fmt: skip
def test_secrets_are_masked(given: Json, shown: Json) -> None:
    assert masked(given) == shown


def test_the_name_of_a_secret_is_shown_whatever_its_member_is_called() -> None:
    assert masked({"token": {"$secret": "shop"}}) == {"token": {"$secret": "shop"}}
    assert masked({"token": {"$secret": "shop", "more": "x"}}) == {"token": MASK}
