"""The settings of processes that are killed after their commit, before they hand tasks over."""

from tests.live.live_settings import *  # noqa: F403 - an environment is another one plus what differs
from tests.live.live_settings import TANDEM_EXECUTORS

TANDEM_EXECUTORS = {**TANDEM_EXECUTORS, "worker": "tests.live.dispatcher.KilledExecutor"}
