"""Does this process only look whether something is due? Then it loads neither REST nor Celery nor jobs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import Final

# The models of the ledger and the command, and nothing else.
APPS: Final = ("scheduling.apps.LedgerConfig", "backends.crontab")


def only_looks(words: Sequence[str]) -> bool:
    """Whether the words of the command line (`sys.argv`) are `manage.py due`, which cron may start every minute."""
    return [PurePath(words[0]).name if words else "", *words[1:]] == ["manage.py", "due"]
