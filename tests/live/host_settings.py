"""The settings of the processes of one host among several: each has its name from its environment."""

import os

from tests.live.live_settings import *  # noqa: F403 - an environment is another one plus what differs

TANDEM_HOST = os.environ["TANDEM_HOST"]
