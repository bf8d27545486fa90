"""Where the lines of all processes go: one terminal, under their process's name, and a bounded file each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

LOG_BYTES: Final = 5_000_000
_COLOURS: Final = ("36", "32", "33", "35", "34", "31")
OWN_NAME: Final = "up"


class Console:
    """The terminal. `names` are all processes that may write; colours only where `stream` is a terminal."""

    def __init__(self, stream: TextIO, names: Sequence[str]) -> None:
        self._stream: TextIO | None = stream
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
        if self._stream is None:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # Whoever read our output is gone (a closed pipe or terminal). The files still get it all.
            self._stream = None


class LogFile:
    """A file that keeps the last lines of one process: full, it becomes `NAME.log.1` and is begun again."""

    def __init__(self, path: Path, *, limit: int = LOG_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._limit = limit
        self._file = path.open("ab")

    def line(self, text: str) -> None:
        """Add one line; it is in the file when this returns."""
        self._file.write(text.encode("utf-8", "replace") + b"\n")
        self._file.flush()
        if self._file.tell() >= self._limit:
            self._file.close()
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
            self._file = self._path.open("ab")

    def close(self) -> None:
        """End the writing; the file stays."""
        self._file.close()
