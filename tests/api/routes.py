"""Every address that the URL configuration knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


def routes(patterns: Any = None, before: str = "") -> Iterator[str]:
    """The address of every route of the URL configuration, with `<name>` for what varies."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        varying = re.sub(r"\(\?P(<\w+>)(?:\[[^]]*\]|[^()])*\)", r"\1", str(each.pattern))
        here = before + re.sub(r"[\\^$]", "", re.sub(r"<\w+:(\w+)>", r"<\1>", varying))
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, here)
        elif isinstance(each, URLPattern):
            yield here
