"""The settings of the processes that live tests start. Addresses and folders come from their environment."""

from settings.test import *  # noqa: F403 - an environment is another one plus what differs
from settings.test import INSTALLED_APPS, TANDEM_ENVIRONMENT_NAMES

INSTALLED_APPS = [*INSTALLED_APPS, "tests.live"]
# settings.test goes by them: what a crontab line starts keeps to the folder of its test.
OWNERS = {"PYTEST_XDIST_WORKER", "TANDEM_TEST_OWNER"}
TANDEM_ENVIRONMENT_NAMES = TANDEM_ENVIRONMENT_NAMES | OWNERS
