"""Tandem in a team's project: an own user model, and applications whose labels equal Tandem's without its prefix."""

from settings.test import *  # noqa: F403 - as a team's settings begin
from settings.test import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.team.accounts", "tests.team.core.api", "tests.team.jobs"]
AUTH_USER_MODEL = "accounts.Account"
