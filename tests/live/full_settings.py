"""A web process whose SQLite file may not grow: the disk is full."""

from tests.live.live_settings import *  # noqa: F403 - an environment is another one plus what differs
from tests.live.live_settings import DATABASES

# No file has fewer pages than it has: SQLite takes its present number.
DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA max_page_count = 1;"
