"""The Celery application: `python -m celery -A settings.celery worker|beat`."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings.development")
# Celery would run Django's checks, for which every view of the API is loaded, and throw away what they find.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
django.setup(set_prefix=False)

from backends.queue import signs_of_life, watchdog  # noqa: E402, F401 - as below; every worker has both
from backends.queue.app import app  # noqa: E402 - the application reads the settings that setup() loads

__all__ = ["app"]
