"""Tests: everything is private to one run. The database is DATABASE_URL, or SQLite in the run's own folder."""

import atexit
import os
import shutil
import tempfile

# Each pytest process has a folder of its own; the processes that its tests start inherit it through TANDEM_VAR.
_owner = os.environ.get("PYTEST_XDIST_WORKER", "alone")
if os.environ.get("TANDEM_TEST_OWNER") != _owner:
    os.environ["TANDEM_TEST_OWNER"] = _owner
    os.environ["TANDEM_VAR"] = tempfile.mkdtemp(prefix="tandem-test-")
    atexit.register(shutil.rmtree, os.environ["TANDEM_VAR"], ignore_errors=True)

from settings.base import *  # noqa: E402, F403 - an environment is base plus what differs, and base reads TANDEM_VAR
from settings.base import TANDEM_ENVIRONMENT_NAMES  # noqa: E402 - as above

# What a crontab line starts inherits the folder, too.
TANDEM_ENVIRONMENT_NAMES = TANDEM_ENVIRONMENT_NAMES | {"PYTEST_XDIST_WORKER", "TANDEM_TEST_OWNER"}

SECRET_KEY = "only-for-tests-and-never-anywhere-else-0123456789"  # noqa: S105 - guards nothing outside a test run
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
TANDEM_HOST = "testhost"
# Files are looked for when they are asked for: a list of all of them costs each of a thousand clients 20 ms.
WHITENOISE_AUTOREFRESH = True
