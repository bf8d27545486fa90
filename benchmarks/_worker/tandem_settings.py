"""Tandem as it ships, with one more job. Addresses and folders come from the environment."""

from settings.development import *  # noqa: F403 - an environment is another one plus what differs
from settings.development import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks._worker"]
