"""A beat as it is started in earnest, which tells when its first tick is done: benchmarks/beat.py runs it.

    python -m benchmarks._beat_process stock|ledger

Prints the megabytes that the process then has, and goes on ticking until it is ended.
"""

from __future__ import annotations

import os
import runpy
import sys
from typing import Any, Final

from celery.beat import Service

from benchmarks._measure import resident_mb

# `manage.py beat` is what Tandem is started with; the stock scheduler needs Celery's own command.
WORDS: Final = {
    "ledger": ["manage.py", "beat"],
    "stock": ["celery", "-A", "settings.celery", "beat", "-S", "django_celery_beat.schedulers:DatabaseScheduler"],
}


def main(side: str) -> None:
    """Run the beat."""
    # Any: there is no other way to be told of a tick of a beat that is started by its own command.
    service: Any = Service
    make = service.get_scheduler

    def get_scheduler(*args: Any, **kwargs: Any) -> Any:
        scheduler = make(*args, **kwargs)
        tick = scheduler.tick

        def first_tick(*args: Any, **kwargs: Any) -> Any:
            wait = tick(*args, **kwargs)
            scheduler.tick = tick
            sys.stdout.write(f"{resident_mb(os.getpid())}\n")
            sys.stdout.flush()
            return wait

        scheduler.tick = first_tick
        return scheduler

    service.get_scheduler = get_scheduler
    sys.argv = WORDS[side]
    if side == "ledger":
        runpy.run_path("manage.py", run_name="__main__")
    else:
        runpy.run_module("celery", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
