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
import select
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime
from types import FrameType
from typing import Final

# What a supervisor may send. The command decides what to do.
_PASSED_ON: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
# Seconds for the last lines of a command that has ended, if nobody reads what this program writes.
_LAST_LINES_SECONDS: Final = 10.0
_CHUNK_BYTES: Final = 65_536
_LEVEL: Final = re.compile(r"\W*(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b")


def main() -> int:
    """Run the command that the arguments name. Returns its exit code; 128 and the number, if a signal ended it."""
    command = sys.argv[1:]
    if not command:
        sys.stderr.write("Write the command after json_lines.py.\n")
        return 2
    if os.environ.get("LOG_FORMAT", "json") != "json" or os.isatty(sys.stdout.fileno()):
        os.execvp(command[0], command)  # noqa: S606 - a list of words, from whoever wrote the container's command
    # Before the command starts: a signal that arrives in between is kept for it.
    told = _told_of_signals()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ended, end = os.pipe()
    pumps = [_pump(process, stream, ended) for stream in ("stdout", "stderr")]
    while process.poll() is None:
        # A signal that is noted between these two lines is still there to be read.
        for number in os.read(told, 64):
            if number != signal.SIGCHLD:
                process.send_signal(number)
    os.close(end)
    for pump in pumps:
        pump.join(_LAST_LINES_SECONDS)
    return 128 - process.returncode if process.returncode < 0 else process.returncode


def _told_of_signals() -> int:
    """A pipe to read the numbers of signals from, whichever thread the kernel gives them to."""
    told, tells = os.pipe()
    os.set_blocking(tells, False)
    signal.set_wakeup_fd(tells)
    for number in (*_PASSED_ON, signal.SIGCHLD):
        signal.signal(number, _noted)
    return told


def _noted(_signal: int, _frame: FrameType | None) -> None:
    """What the pipe is told is enough."""


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


def _pump(process: subprocess.Popen[bytes], stream: str, ended: int) -> threading.Thread:
    """Begin to pass on what the command writes, to where it would have written it.

    `ended` becomes readable once the command has ended. What it has written until then is passed on too; nobody waits
    for a child that it left behind and that keeps the pipe open.
    """
    source, target = getattr(process, stream).fileno(), getattr(sys, stream).buffer

    def say(line: bytes) -> None:
        target.write(as_json(line, stream=stream, pid=process.pid, now=datetime.now(UTC)))
        target.flush()

    def pass_on() -> None:
        rest = b""
        while source in select.select([source, ended], [], [])[0]:
            if not (chunk := os.read(source, _CHUNK_BYTES)):
                break
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                say(line + b"\n")
        say(rest)

    thread = threading.Thread(target=pass_on, name=stream, daemon=True)
    thread.start()
    return thread


if __name__ == "__main__":
    sys.exit(main())
