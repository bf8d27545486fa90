"""The lines of a process that ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from stack.child import Child
from stack.processes import Process

# Leaves a process behind, in a session of its own, that holds the pipe open; then writes and ends.
_LEAVES_ONE_BEHIND = """
import os, subprocess, sys
left = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
os.write(1, b"%d\\n" % left.pid)
os.write(1, b"x" * 40_000 + b"\\nthe last line, without an end")
"""


def test_every_line_is_delivered_though_somebody_else_holds_the_pipe_open() -> None:
    lines: list[str] = []

    async def run() -> int:
        child = await Child.start(Process("one", (sys.executable, "-c", _LEAVES_ONE_BEHIND)), lines.append)
        code = await child.wait()
        assert await child.wait() == code
        return code

    code = asyncio.run(run())
    os.kill(int(lines[0]), signal.SIGKILL)
    assert code == 0
    assert lines[1:] == ["x" * 40_000, "the last line, without an end"]
