"""Commands that run once and end before the services start: quiet unless they fail."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence

from stack.failure import StackError
from stack.parent_death import die_with_parent


async def run_once(argv: Sequence[str], *, what: str) -> str:
    """What the command wrote to stdout. Raises StackError, naming it `what` with its output, if it fails."""
    started = await asyncio.create_subprocess_exec(
        *argv, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, start_new_session=True, preexec_fn=die_with_parent()
    )
    try:
        stdout, stderr = await started.communicate()
    finally:
        # Cancelled by Ctrl-C, it must not go on behind our back.
        with contextlib.suppress(ProcessLookupError):  # it has ended
            os.killpg(started.pid, signal.SIGKILL)
        await started.wait()
    if started.returncode:
        said = b"\n".join(part.strip() for part in (stdout, stderr) if part.strip())
        text = said.decode("utf-8", "replace")
        raise StackError(f"{what} failed with exit code {started.returncode}. It said:\n\n{text}\n")
    return stdout.decode("utf-8", "replace")
