"""A Django project with nothing but Celery and django-celery-results, both as they come."""

import os

from settings.databases import database

SECRET_KEY = "guards nothing"  # noqa: S105 - as it says
USE_TZ = True
INSTALLED_APPS = ["django_celery_results"]
DATABASES = {"default": database(os.environ["DATABASE_URL"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
