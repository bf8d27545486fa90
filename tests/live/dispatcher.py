"""`python -m tests.live.dispatcher MODE [IDS]`: one process among many that do the same at once.

It says `ready` and waits for a line, so that all begin at the same moment. `due` dispatches small batches until nothing
is due; `fire` wakes each of the schedules IDS as cron would; `die` dispatches, and is killed before it can hand over;
`churn` makes and deletes schedules with the same few clocks, and fails when one of them could not be installed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

import django

django.setup()

from django.conf import settings  # noqa: E402 - after setup()
from django.utils import timezone  # noqa: E402 - after setup()

from scheduling import delivery, dispatch, schedules  # noqa: E402 - after setup()
from scheduling.executor import Executor, Submission  # noqa: E402 - after setup()
from scheduling.models import SyncState, Task  # noqa: E402 - after setup()

BATCH = 7
CHURNS = 30


class KilledExecutor(Executor):
    """The process is killed when it begins to hand a task over."""

    name = "worker"
    in_process = False

    def submit(self, tasks: Sequence[Task]) -> Submission:
        os.kill(os.getpid(), signal.SIGKILL)
        return Submission([])


def main(mode: str, ids: Sequence[str]) -> None:
    """Run one of the four modes."""
    # Small, so that the processes meet often.
    delivery.BATCH = BATCH  # type: ignore[misc]  # Final for everybody else
    if mode == "die":
        settings.TANDEM_EXECUTORS = {**settings.TANDEM_EXECUTORS, "worker": "tests.live.dispatcher.KilledExecutor"}
    sys.stdout.write("ready\n")
    sys.stdin.readline()
    if mode == "churn":
        _churn()
        return
    if mode == "fire":
        for schedule_id in ids:
            delivery.submit(dispatch.fire(int(schedule_id), now=timezone.now(), woken_by="beat"), now=timezone.now())
        return
    while dispatch.dispatch_due("beat", now=timezone.now()):
        pass


def _churn() -> None:
    for number in range(CHURNS):
        now, cron = timezone.now(), ("0 9 1 * 5", "0 9 1 * *")[number % 2]
        made = schedules.create(now=now, name="churn", job="demo.process_data", cron=cron, backend="beat")
        changed = schedules.update(made.pk, now=now, cron="0 9 * * 5")
        schedules.delete(made.pk, now=now)
        if {made.sync_state, changed.sync_state} != {SyncState.IN_SYNC}:
            raise SystemExit(f"{made.sync_error} {changed.sync_error}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
