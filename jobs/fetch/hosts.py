"""Which hosts may be fetched from: the setting TANDEM_HTTP_ALLOWED_HOSTS. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from jobs.fetch.errors import HostRefused
from jobs.fetch.urls import Target


def check(target: Target, allowed: Sequence[str]) -> None:
    """Raise HostRefused unless a pattern of `allowed` matches the host: `api.example.org`, `*.example.org`.

    Without patterns every host is allowed. Case and a dot at the end are ignored. A pattern for a name that is not
    ASCII must be in its `xn--` form.
    """
    host = _plain(target.host)
    if allowed and not any(fnmatchcase(host, _plain(pattern)) for pattern in allowed):
        raise HostRefused(f"{target.host} is not among the hosts that the setting TANDEM_HTTP_ALLOWED_HOSTS allows.")


def _plain(name: str) -> str:
    return name.lower().rstrip(".")
