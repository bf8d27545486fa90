"""What a look at one part of a running installation found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether the part called `name` does its work, what a person should know, and what to do where it does not.

    No secret is in it: anybody who can reach the service may read it.
    """

    name: str
    ok: bool
    detail: str
    advice: str = ""
