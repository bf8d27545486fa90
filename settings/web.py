"""What differs in a process that answers requests: settings.asgi and settings.wsgi call this first."""

from __future__ import annotations

import os

from django.conf import settings

from settings.databases import for_web


def prepare() -> None:
    """Choose the environment, and how this process uses the database, before Django loads the applications.

    Workers, beat, cron and commands never come here: they keep their connections.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.development")
    for_web(settings.DATABASES["default"], connections=settings.TANDEM_WEB_CONNECTIONS)
