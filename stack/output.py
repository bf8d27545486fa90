"""Where the lines of all processes go: one terminal, under their process's name, and a bounded file each."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, Final, TextIO

LOG_BYTES: Final = 5_000_000
_COLOURS: Final = ("36", "32", "33", "35", "34", "31")
OWN_NAME: Final = "up"


class Console:
    """The terminal. `names` are all processes that may write; colours only where `stream` is a terminal."""

    def __init__(self, stream: TextIO, names: Sequence[str]) -> None:
        self._stream = stream
        self._names = [OWN_NAME, *names]
        self._width = max(map(len, self._names))
        self._colour = stream.isatty() and "NO_COLOR" not in os.environ

    def line(self, name: str, text: str) -> None:
        """One line of the process `name`."""
        self._write(f"{self._label(name)} | {text}\n")

    def say(self, text: str) -> None:
        """One line of the supervisor's own."""
        self.line(OWN_NAME, text)

    def block(self, text: str) -> None:
        """Lines to be read and copied: without names before them."""
        self._write(f"\n{text.rstrip()}\n\n")

    def _label(self, name: str) -> str:
        label = name.ljust(self._width)
        if not self._colour:
            return label
        colour = _COLOURS[self._names.index(name) % len(_COLOURS)] if name in self._names else "0"
        return f"\x1b[{colour}m{label}\x1b[0m"

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # Whoever read our output is gone for good (a closed pipe), or its disk is full for a while: the next line
            # is tried again. The files still get it all.
            return


class LogFile:
    """A file that keeps the last lines of one process: full, it becomes `NAME.log.1` and is begun again.

    Where it cannot be written (a full disk), `report` gets one sentence, and every further line is tried again; the
    first that can be written follows one that says how many are missing.
    """

    def __init__(self, path: Path, *, report: Callable[[str], None], limit: int = LOG_BYTES) -> None:
        self._path = path
        self._report = report
        self._limit = limit
        self._file: BinaryIO | None = None
        self._missing = 0

    def line(self, text: str) -> None:
        """Add one line; it is in the file when this returns, unless the file cannot be written."""
        gap = f"({self._missing} lines are missing here: the file could not be written)\n" if self._missing else ""
        try:
            self._write(f"{gap}{text}\n".encode("utf-8", "replace"))
        except OSError as exc:
            if not self._missing:
                self._report(f"{self._path} cannot be written ({exc.strerror}): its lines are only shown here.")
            self._missing += 1
            self.close()
        else:
            self._missing = 0

    def close(self) -> None:
        """End the writing; the file stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, data: bytes) -> None:
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Without a buffer: what could not be written must not come back with the next line.
            self._file = self._path.open("ab", buffering=0)
        self._file.write(data)
        if self._file.tell() >= self._limit:
            self.close()
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
