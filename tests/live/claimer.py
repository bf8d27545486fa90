"""`python -m tests.live.claimer TASK`: claims the first attempt as a worker does, and is killed before it begins."""

import os
import signal
import sys

import django

django.setup()

from django.utils import timezone  # noqa: E402 - after setup()

from scheduling import ledger  # noqa: E402 - after setup()
from scheduling.execution.run import worker_name  # noqa: E402 - after setup()

if __name__ == "__main__":
    if ledger.claim(int(sys.argv[1]), 1, worker=worker_name("worker"), now=timezone.now()) is None:
        sys.exit("There was nothing to claim.")
    os.kill(os.getpid(), signal.SIGKILL)
