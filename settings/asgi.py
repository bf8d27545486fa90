"""The ASGI application: `uvicorn settings.asgi:application`."""

import atexit

from channels.routing import ProtocolTypeRouter  # type: ignore[import-untyped]  # channels has no type hints
from django.core.asgi import get_asgi_application

from settings import web

web.prepare()
_http = get_asgi_application()

from django.conf import settings  # noqa: E402 - web.prepare() has chosen them

from api.feed.routing import websockets  # noqa: E402 - it needs the applications that the line above loads
from api.limits.bodies import BoundedBodies  # noqa: E402 - as above
from scheduling import processes  # noqa: E402 - as above

processes.start("web")
atexit.register(processes.stop)

application = BoundedBodies(
    ProtocolTypeRouter({"http": _http, "websocket": websockets()}),
    most=settings.TANDEM_MAX_BODY_BYTES,
    seconds=settings.TANDEM_BODY_SECONDS,
)
