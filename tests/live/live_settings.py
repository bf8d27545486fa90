"""The settings of the processes that live tests start. Addresses and folders come from their environment."""

from settings.test import *  # noqa: F403 - an environment is another one plus what differs
from settings.test import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.live"]
