"""Which addresses do WebSockets have?"""

from __future__ import annotations

from typing import Any

from channels.auth import AuthMiddlewareStack  # type: ignore[import-untyped]  # channels has no type hints
from channels.routing import URLRouter  # type: ignore[import-untyped]  # as above
from django.urls import re_path

from api.feed.sockets import FeedSocket, NowhereSocket, TaskSocket


def websockets() -> Any:
    """An ASGI application for WebSockets. It puts the user of the session into the scope of each socket."""
    return AuthMiddlewareStack(
        URLRouter(
            [
                re_path(r"^ws/tasks/$", FeedSocket.as_asgi()),
                re_path(r"^ws/tasks/(?P<task_id>[0-9]{1,18})/$", TaskSocket.as_asgi()),
                re_path(r"", NowhereSocket.as_asgi()),
            ]
        )
    )
