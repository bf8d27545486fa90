"""The result of checking one part of a running installation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether the part called `name` works, details for a person, and what to do when it does not work.

    It holds no secrets: everybody who can reach the service may read it.
    """

    name: str
    ok: bool
    detail: str
    advice: str = ""
