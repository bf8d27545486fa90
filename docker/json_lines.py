#!/usr/bin/env python3
"""Runs a command, and makes each line that it writes a JSON object: `json_lines.py COMMAND...`.

Tandem's own log lines are JSON already, and pass as they are. What is written before there are settings, or beside the
log (by Python, uvicorn, celery, `migrate`, cron), becomes an object with the same members. With another LOG_FORMAT than
json, and at a terminal, the command takes the place of this program and writes what it likes.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType
from typing import IO, Final

# What a supervisor may send. The command decides what to do.
_PASSED_ON: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
# Seconds for the last lines of a command that has ended. A child that it left behind may keep the pipe open.
_LAST_LINES_SECONDS: Final = 1.0
_LEVEL: Final = re.compile(r"\W*(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b")


def main() -> int:
    """Run the command that the arguments name. Returns its exit code; 128 and the number, if a signal ended it."""
    command = sys.argv[1:]
    if not command:
        sys.stderr.write("Write the command after json_lines.py.\n")
        return 2
    if os.environ.get("LOG_FORMAT", "json") != "json" or os.isatty(sys.stdout.fileno()):
        os.execvp(command[0], command)  # noqa: S606 - a list of words, from whoever wrote the container's command
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for number in _PASSED_ON:
        signal.signal(number, _pass_on_to(process))
    pumps = [_pump(process, process.stdout, "stdout"), _pump(process, process.stderr, "stderr")]
    code = process.wait()
    for pump in pumps:
        pump.join(_LAST_LINES_SECONDS)
    return 128 - code if code < 0 else code


def as_json(line: bytes, *, stream: str, pid: int, now: datetime) -> bytes:
    """A line as JSON, with the members that settings/logging.py writes; nothing for an empty line. Pure.

    One that is an object already stays as it is. The level is the one that the line begins with. Without one it is INFO
    on stdout, and ERROR on stderr, where Python writes what ends it.
    """
    # To read each object would cost more than to write it.
    if line.startswith(b"{") and line.endswith(b"}\n"):
        return line
    text = line.decode("utf-8", "replace").rstrip()
    if not text:
        return b""
    said = _LEVEL.match(text)
    level = said[1] if said else "INFO" if stream == "stdout" else "ERROR"
    members = {"time": now.isoformat(timespec="milliseconds"), "level": level, "logger": stream, "process": pid}
    return json.dumps(members | {"message": text}).encode() + b"\n"


def _pump(process: subprocess.Popen[bytes], lines: IO[bytes] | None, stream: str) -> threading.Thread:
    """Begin to pass on what the command writes, to where it would have written it."""
    target = sys.stdout.buffer if stream == "stdout" else sys.stderr.buffer

    def pass_on() -> None:
        for line in lines or ():
            target.write(as_json(line, stream=stream, pid=process.pid, now=datetime.now(UTC)))
            target.flush()

    thread = threading.Thread(target=pass_on, name=stream, daemon=True)
    thread.start()
    return thread


def _pass_on_to(process: subprocess.Popen[bytes]) -> Callable[[int, FrameType | None], None]:
    def pass_on(number: int, _frame: FrameType | None) -> None:
        process.send_signal(number)

    return pass_on


if __name__ == "__main__":
    sys.exit(main())
