"""`python -m tests.live.workflow_members MODE TASK...`: one process among many that run the members of a workflow.

It says `ready` and waits for a line, so that all begin at the same moment. `run` runs the first attempts of the tasks
and hands over what they release; `die` ends the first one and is killed before it can move the workflow on.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

import django

django.setup()

from django.utils import timezone  # noqa: E402 - after setup()

from scheduling import delivery, ledger  # noqa: E402 - after setup()
from scheduling.execution.run import run_attempt  # noqa: E402 - after setup()


def main(mode: str, ids: Sequence[int]) -> None:
    """Run one of the two modes."""
    sys.stdout.write("ready\n")
    sys.stdin.readline()
    if mode == "die":
        task = ledger.claim(ids[0], 1, worker="dies", now=timezone.now())
        if task is not None and ledger.complete(task, result={"process": os.getpid()}, now=timezone.now()):
            os.kill(os.getpid(), signal.SIGKILL)
    for task_id in ids:
        released = run_attempt(task_id, 1, worker=f"process {os.getpid()}").released
        delivery.hand_over(released, now=timezone.now())


if __name__ == "__main__":
    main(sys.argv[1], [int(word) for word in sys.argv[2:]])
