"""The WSGI application."""

from django.core.wsgi import get_wsgi_application

from settings import web

web.prepare()
_application = get_wsgi_application()

from django.conf import settings  # noqa: E402 - web.prepare() has chosen them

from api.limits.bodies import bounded_wsgi  # noqa: E402 - it needs the applications that are loaded above

application = bounded_wsgi(_application, most=settings.TANDEM_MAX_BODY_BYTES)
