"""What looks like a secret is not written into the audit log. Pure."""

from __future__ import annotations

import re
from typing import Final

from scheduling import likely_secrets
from scheduling.likely_secrets import MASK
from scheduling.storable import Json

# Whatever its name: credentials of HTTP, and the password in an address.
_CREDENTIALS: Final = re.compile(r"\b(bearer|basic|token)\s+\S+", re.IGNORECASE)
_IN_ADDRESS: Final = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def masked(value: Json) -> Json:
    """The value with everything masked that looks like a secret: by the name of its member, or by its form."""
    if isinstance(value, dict):
        return {
            name: MASK if likely_secrets.is_name(name) and not _is_harmless(inner) else masked(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    if isinstance(value, str):
        return _IN_ADDRESS.sub(MASK, _CREDENTIALS.sub(rf"\1 {MASK}", value))
    return value


def _is_harmless(value: Json) -> bool:
    """Whether it is no secret, whatever its member is called: nothing at all, or the name of a secret."""
    return value is None or (isinstance(value, dict) and set(value) == {"$secret"})
