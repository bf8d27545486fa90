"""The WSGI application."""

from django.core.wsgi import get_wsgi_application

from settings import web

web.prepare()
application = get_wsgi_application()
