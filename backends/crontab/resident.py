"""What an agent consists of while it runs: the process that starts jobs, the socket for wake-ups, and the steps."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.core.management.base import CommandError

from backends.crontab import agent_socket, loop, wake_up
from backends.crontab.agent_socket import WakeUpServer
from backends.crontab.job_starter import JobStarter
from scheduling import processes
from scheduling.errors import BackendError

log = logging.getLogger(__name__)

# Makes the step of a kind of agent from what runs jobs, and what is to be called when something may be due.
StepFor = Callable[[JobStarter, Callable[[], None]], Callable[[datetime], None]]


def run(step_for: StepFor) -> None:
    """Be the agent of this machine until SIGTERM or SIGINT. Call it before there are threads.

    Raises CommandError if another agent lives, or if no jobs can be started any more: whoever supervises this process
    starts it again.
    """
    jobs = JobStarter(settings.TANDEM_INLINE_CONCURRENCY)
    stop = loop.stop_on_signals()
    try:
        with agent_socket.bound() as listening, processes.alive("agent"):
            wake_ups = WakeUpServer(listening, lambda: jobs.run(wake_up.decide()), undecided=_decide_alone)
            step = step_for(jobs, wake_ups.wake)
            # Whoever was the agent before may have been killed before it decided.
            wake_ups.wake()
            loop.run(step, stop=stop)
    except BackendError as exc:
        raise CommandError(exc.detail) from exc
    except ChildProcessError as exc:
        raise CommandError(str(exc)) from exc
    finally:
        jobs.stop()


def _decide_alone() -> None:
    """Have another process do what a wake-up does that finds no agent: it waits for the database, or goes without."""
    command = [*settings.TANDEM_CRON_COMMAND, "due"]
    try:
        # In its own session: Ctrl-C ends us, and what it runs goes on.
        subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError:
        log.exception("no process could be started for a wake-up")
