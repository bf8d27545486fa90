"""The settings of the processes that the drill starts. Addresses and folders come from their environment."""

import os
from datetime import timedelta

from django.utils import timezone

from settings.test import *  # noqa: F403 - an environment is another one plus what differs
from settings.test import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos"]

if _shift := float(os.environ.get("CHAOS_CLOCK_SHIFT", "0")):
    # The machine's clock, as this process sees it. A real step would also move the clocks of everybody else here.
    _true_now = timezone.now
    timezone.now = lambda: _true_now() + timedelta(seconds=_shift)
