"""The ASGI application of the plain project."""

from django.core.asgi import get_asgi_application

application = get_asgi_application()
