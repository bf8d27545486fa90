"""A crontab program for tests: it keeps the table in a file beside itself, and never touches the machine's own.

Like cronie's, it adds no header, and prints all bytes as they are. It installs something else if the editor of -e ends
well, as Debian's may, and refuses to install what comes through a pipe, which a killed writer would leave cut off.
"""

from __future__ import annotations

from pathlib import Path

_SCRIPT = """#!/bin/sh
here=$(/usr/bin/dirname "$0")
echo "$1 $LC_ALL" >> "$here/calls"
if [ -e "$here/fail" ]; then /bin/cat "$here/fail" >&2; exit 1; fi
case "$1" in
-l) if [ -e "$here/table" ]; then /bin/cat "$here/table"; else echo "no crontab for tester" >&2; exit 1; fi ;;
-e) if [ -e "$here/table" ]; then PATH=/usr/bin:/bin /bin/sh -c "$VISUAL $here/table"; fi; status=$?
    if [ $status = 0 ]; then echo "# installed by -e" > "$here/table"; exit 0; fi
    echo "crontab: \\"$VISUAL\\" exited with status $status" >&2; exit 1 ;;
-) if [ ! -f /dev/stdin ]; then echo "a pipe can end too early" >&2; exit 1; fi
    /bin/cat > "$here/new"; if [ -e "$here/ignore" ]; then exit 0; fi; /bin/mv "$here/new" "$here/table" ;;
*) echo "unknown" >&2; exit 2 ;;
esac
"""


class FakeCrontab:
    """The fake program in `folder`: its table, the calls it got, and how to make it fail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        program = folder / "crontab"
        program.write_text(_SCRIPT)
        program.chmod(0o755)

    @property
    def table(self) -> Path:
        return self.folder / "table"

    def calls(self) -> list[str]:
        """The argument and the locale of each call."""
        calls = self.folder / "calls"
        return calls.read_text().splitlines() if calls.exists() else []

    def fail(self, message: str) -> None:
        """From now on every call fails, saying this."""
        (self.folder / "fail").write_text(message)

    def ignore_writes(self) -> None:
        """From now on a write is accepted and forgotten."""
        (self.folder / "ignore").touch()
